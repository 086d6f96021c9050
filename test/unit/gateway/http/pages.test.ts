import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { addPages } from '#src/gateway/http/pages.ts';
import { createHono } from '#src/gateway/http/router.ts';
import { folderTest } from '#test/support/folder-fixture.ts';

const document = '<!doctype html><title>the first build</title>';
const script = 'console.log("the first build");';
const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Writes files as the build does: compressed, and `built` last. `at` is the time of the build in seconds. */
async function build(folder: string, at: number, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(folder, 'assets'), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, `${name}.br`), brotliCompressSync(content));
  }
  await writeFile(join(folder, 'built'), '');
  await utimes(join(folder, 'built'), at, at);
}

const test = folderTest
  .extend('built', async ({ folder }) => {
    await build(folder, 1_000, { 'index.html': document, 'assets/main-1.js': script });
    return folder;
  })
  .extend('get', ({ built }) => {
    const app = createHono();
    const pageOf = addPages(app, built);
    app.notFound(async (call) => (await pageOf(call)) ?? call.text('nothing', 404));
    return (path: string, headers: Record<string, string> = {}, method = 'GET') => app.request(path, { method, headers });
  });

const encodings = [
  { accepted: 'gzip, deflate, br, zstd', encoding: 'br', decode: brotliDecompressSync },
  { accepted: 'gzip, deflate', encoding: 'gzip', decode: gunzipSync },
  { accepted: 'gzip;q=0.5, br;q=0', encoding: 'gzip', decode: gunzipSync },
  { accepted: 'gzip;q=1.0', encoding: 'gzip', decode: gunzipSync },
  { accepted: 'br;q=0, gzip; q=0.0', encoding: null, decode: (body: Buffer) => body },
  { accepted: '', encoding: null, decode: (body: Buffer) => body },
];

describe('a file of the pages', () => {
  for (const { accepted, encoding, decode } of encodings)
    test(`is sent as ${encoding ?? 'plain text'} to a client that accepts "${accepted}"`, async ({ get }) => {
      const reply = await get('/assets/main-1.js', { 'accept-encoding': accepted });
      expect(reply.status).toBe(200);
      expect(Object.fromEntries(reply.headers)).toMatchObject({
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': IMMUTABLE,
        vary: 'Accept-Encoding',
      });
      expect(reply.headers.get('content-encoding')).toBe(encoding);
      expect(decode(Buffer.from(await reply.arrayBuffer())).toString()).toBe(script);
    });

  test('has an ETag for each encoding, and the ETag of one encoding validates no other', async ({ get }) => {
    const tagOf = async (encoding: string) => (await get('/', { 'accept-encoding': encoding })).headers.get('etag') ?? '';
    const [br, gzip, plain] = [await tagOf('br'), await tagOf('gzip'), await tagOf('')];
    expect(new Set([br, gzip, plain, '']).size).toBe(4);
    const status = async (encoding: string, tag: string) => (await get('/', { 'accept-encoding': encoding, 'if-none-match': tag })).status;
    expect(await status('br', br)).toBe(304);
    expect(await status('gzip', br)).toBe(200);
    expect(await status('', gzip)).toBe(200);
    // A cache in between names the tags of all representations that it has, and may have weakened them.
    expect(await status('gzip', `${br}, W/${gzip}`)).toBe(304);
  });

  test('that did not change is answered without a body and with the headers of caching and security', async ({ get }) => {
    const first = await get('/', { 'accept-encoding': 'br' });
    const second = await get('/', { 'accept-encoding': 'br', 'if-none-match': first.headers.get('etag') ?? '' });
    expect([second.status, await second.text()]).toEqual([304, '']);
    for (const name of ['etag', 'vary', 'cache-control', 'content-security-policy'])
      expect(second.headers.get(name)).toBe(first.headers.get(name));
  });

  test('is described to HEAD without its content', async ({ get }) => {
    const reply = await get('/', { 'accept-encoding': 'br' }, 'HEAD');
    expect([reply.status, reply.headers.get('content-encoding'), await reply.text()]).toEqual([200, 'br', '']);
  });

  for (const path of ['/assets/missing.js', '/assets/../built', '/assets/%2e%2e/built', '/assets/..%2findex.html', '/assets/', '/built'])
    test(`is not found at ${path}`, async ({ get }) => {
      expect((await get(path)).status).toBe(404);
    });
});

describe('a page', () => {
  for (const path of [
    '/',
    '/login',
    '/invocations/1',
    '/functions',
    '/functions/greet',
    '/schedules',
    '/batches',
    '/batches/import',
    '/dead-letters',
    '/system',
  ])
    test(`is the one document at ${path}`, async ({ get }) => {
      const reply = await get(path);
      expect([reply.status, reply.headers.get('content-type'), await reply.text()]).toEqual([200, 'text/html; charset=utf-8', document]);
      expect(Object.fromEntries(reply.headers)).toMatchObject({
        'cache-control': 'no-cache',
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      });
      // The operator decides about HTTPS, and for which names.
      expect(reply.headers.has('strict-transport-security')).toBe(false);
    });

  test('is the document of the language that the browser prefers, in its own encoding', async ({ built, get }) => {
    const chinese = '<!doctype html><html lang="zh-CN">';
    await build(built, 2_000, { 'index.html': document, 'index.zh-CN.html': chinese });
    const read = async (language: string) => await (await get('/login', { 'accept-language': language })).text();
    for (const language of ['zh-CN', 'zh', 'zh-Hans-CN,en;q=0.8', 'en;q=0.5,zh-TW', 'fr,zh;q=0.3'])
      expect(await read(language)).toBe(chinese);
    for (const language of ['', 'en-GB,zh;q=0.9', 'fr', 'zh;q=0', '*', ';;q=x']) expect(await read(language)).toBe(document);
    const reply = await get('/', { 'accept-language': 'zh', 'accept-encoding': 'br' });
    expect(reply.headers.get('vary')).toBe('Accept-Encoding, Accept-Language');
    expect(brotliDecompressSync(Buffer.from(await reply.arrayBuffer())).toString()).toBe(chinese);
  });

  test('at an unknown path is the same document as 404, also for a browser that has it', async ({ get }) => {
    const accept = 'text/html,*/*;q=0.8';
    const known = await get('/', { accept });
    const reply = await get('/no-such-page', { accept, 'if-none-match': known.headers.get('etag') ?? '' });
    expect([reply.status, await reply.text()]).toEqual([404, document]);
    expect(reply.headers.get('content-security-policy')).toBe(known.headers.get('content-security-policy'));
    expect(await (await get('/no-such-page', { accept: 'application/json' })).text()).toBe('nothing');
    expect(await (await get('/api/no-such-path', { accept })).text()).toBe('nothing');
  });
});

describe('a new build', () => {
  test('is served from the next request on', async ({ built, get }) => {
    const before = await get('/', { 'accept-encoding': 'br' });
    await build(built, 2_000, { 'index.html': '<!doctype html><title>the second build</title>', 'assets/main-2.js': script });
    const after = await get('/', { 'accept-encoding': 'br', 'if-none-match': before.headers.get('etag') ?? '' });
    expect(after.status).toBe(200);
    expect(brotliDecompressSync(Buffer.from(await after.arrayBuffer())).toString()).toContain('the second build');
    expect((await get('/assets/main-2.js')).status).toBe(200);
  });

  test('is not seen before it is whole: the build before it is served meanwhile', async ({ built, get }) => {
    await get('/');
    await rm(built, { recursive: true });
    expect(await (await get('/')).text()).toBe(document);
    expect(await (await get('/assets/main-1.js')).text()).toBe(script);
  });

  test('that is missing is reported with the command that builds the pages', async ({ built, get }) => {
    await rm(join(built, 'built'));
    const reply = await get('/');
    expect([reply.status, await reply.text()]).toEqual([503, expect.stringContaining('npm run pages')]);
  });
});
