import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { createPackageCache } from '#src/hosts/packages/package-cache.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { CODE_BUCKET } from '#src/nats/wire/topology.ts';
import { describeCodePackages } from '#test/contract/code-packages.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { executionOf, neverAborted } from '#test/support/hosts/executions.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

// An isolated server, because the tests tamper with its store.
let server: TestServer;
let nats: OpenedNats;
test.beforeAll(async ({ server: own }) => {
  server = own;
  nats = await openNats(server.url);
});
test.afterAll(async () => {
  await nats[Symbol.asyncDispose]();
});

describeCodePackages('on JetStream', async () => {
  const other = await openNats(server.url);
  return { packages: nats.ports.packages, other: other.ports.packages, [Symbol.asyncDispose]: () => other[Symbol.asyncDispose]() };
});

let folder: string;
const hosts: FunctionHost[] = [];
test.beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sequent-cache-'));
});
test.afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
  await removeDataFolder(folder);
});

const files = (...given: [string, string][]) => writeZip(given.map(([path, content]) => ({ path, content: Buffer.from(content) })));
const put = async (...given: [string, string][]) => await nats.ports.packages.put(await files(...given));
const fn = (digest: string, file = 'index.js', more: object = {}) =>
  functionDefinitionSchema.parse({ name: 'packed', handler: { kind: 'process', package: digest, file, ...more } });

function openHost(cache: string | undefined): FunctionHost {
  const host = createProcessHost({ packages: createPackageCache({ packages: nats.ports.packages, folder: cache }) });
  hosts.push(host);
  return host;
}
const run = (host: FunctionHost, definition: ReturnType<typeof fn>, version = 'latest') =>
  host.execute(executionOf(definition, {}, { version }), neverAborted());
/** Runs a function in its own host. */
const runFiles = async (file: string, ...given: [string, string][]) => run(openHost(folder), fn(await put(...given), file));

describe('a function in a package', () => {
  test('runs as soon as the folder of the packages can be made', async () => {
    const cache = join(folder, 'packages');
    await writeFile(cache, 'a file where the folder belongs');
    const digest = await put(['index.js', 'exports.handler = async () => "made";']);
    const host = openHost(cache);
    expect(await run(host, fn(digest))).toMatchObject({ kind: 'failed', failure: { kind: 'platform' } });
    await rm(cache);
    expect(await run(host, fn(digest))).toMatchObject({ kind: 'returned', payload: 'made' });
  });

  test('runs on two workers with separate folders, each of which unpacks it once', async () => {
    const digest = await put(['index.js', 'exports.handler = async () => __filename;']);
    const folders = [join(folder, 'one'), join(folder, 'two')];
    for (const cache of folders) {
      const host = openHost(cache);
      const results = await Promise.all([run(host, fn(digest)), run(host, fn(digest)), run(host, fn(digest), 'v1')]);
      const expected = { kind: 'returned', payload: join(cache, digest, 'index.js') };
      expect(results).toEqual([expected, expected, expected]);
      expect(await readdir(cache)).toEqual([digest]);
    }
  });

  test('may be ESM or CommonJS, in a folder, with further files and an initializer', async () => {
    const esm = await runFiles(
      'src/app/main.mjs',
      ['src/app/main.mjs', "import { greet } from '../lib.mjs'; export const handler = async () => greet('Ada');"],
      ['src/lib.mjs', 'export const greet = (name) => "hello " + name;'],
    );
    expect(esm).toMatchObject({ kind: 'returned', payload: 'hello Ada' });
    const detected = await runFiles('index.js', ['index.js', 'export const handler = async () => import.meta.url.length > 0;']);
    expect(detected).toMatchObject({ payload: 'true' });
    const digest = await put(
      [
        'index.js',
        "let ready = 0; exports.init = (context, done) => { ready++; done(); }; exports.handler = async () => require('./data.json').n + ready;",
      ],
      ['data.json', '{"n":41}'],
      ['package.json', '{"type":"commonjs"}'],
    );
    expect(await run(openHost(folder), fn(digest, 'index.js', { initializer: 'init' }))).toMatchObject({ payload: '42' });
  });

  test('that lacks its file fails with the vendor’s message', async () => {
    const result = await runFiles('other.js', ['index.js', '']);
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'function', code: 4001 } });
  });

  test('without a configured folder leaves no files', async () => {
    const digest = await put(['index.js', 'exports.handler = async () => __dirname;']);
    const host = openHost(undefined);
    const result = await run(host, fn(digest));
    const directory = result.kind === 'returned' ? result.payload : '';
    expect((await stat(directory)).isDirectory()).toBe(true);
    await host.close();
    await expect(stat(directory)).rejects.toThrow('ENOENT');
  });
});

describe('a package with layers', () => {
  test('finds their files beside its own: a later layer goes before an earlier one, the code before both', async () => {
    const one = await put(['python/a', 'of one'], ['python/b', 'of one'], ['index.js', 'never']);
    const two = await nats.ports.packages.put(
      await writeZip([
        { path: 'python/b', content: Buffer.from('of two') },
        { path: 'tool', content: Buffer.from('#!/bin/sh'), isExecutable: true },
      ]),
    );
    const code = "const fs = require('fs'); const read = (file) => fs.readFileSync(__dirname + '/' + file, 'utf8');";
    const own = await put([
      'index.js',
      `${code} exports.handler = async () => [read('python/a'), read('python/b'), fs.statSync(__dirname + '/tool').mode & 0o111];`,
    ]);
    const host = openHost(folder);
    expect(await run(host, fn(own, 'index.js', { layers: [one, two] }))).toMatchObject({ payload: '["of one","of two",73]' });
    // Another order is another folder, and neither is the folder of the code alone.
    expect(await run(host, fn(own, 'index.js', { layers: [two, one] }))).toMatchObject({ payload: '["of one","of one",73]' });
    expect((await readdir(folder)).length).toBe(2);
  });

  test('that its project did not upload never runs', async () => {
    const own = await put(['index.js', 'exports.handler = async () => 1;']);
    const result = await run(openHost(folder), fn(own, 'index.js', { layers: ['0'.repeat(128)] }));
    expect(result).toMatchObject({
      kind: 'failed',
      failure: { kind: 'platform', message: expect.stringContaining('is not in the store') },
    });
  });

  test('is refused when they are too large together, and leaves nothing', async () => {
    const halves = await Promise.all(
      ['a', 'b'].map(async (name) => nats.ports.packages.put(await writeZip([{ path: name, content: Buffer.alloc(70_000_000) }]))),
    );
    const own = await put(['index.js', 'exports.handler = async () => 1;']);
    const result = await run(openHost(folder), fn(own, 'index.js', { layers: halves }));
    expect(result).toMatchObject({ failure: { message: expect.stringContaining('bytes with its layers') } });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a package that cannot be used', () => {
  const failureOf = async (digest: string) => {
    const result = await run(openHost(folder), fn(digest));
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'platform' } });
    expect((await readdir(folder)).filter((name) => name.startsWith('.') || name === digest)).toEqual([]);
    return result.kind === 'failed' ? result.failure.message : '';
  };

  test('because it was changed in the store, never runs, and the failure reports the change', async () => {
    const digest = await put(['index.js', 'exports.handler = async () => "good";']);
    const store = await nats.connection.nats.jetstream().views.os(CODE_BUCKET);
    await store.putBlob({ name: digest }, await files(['index.js', 'exports.handler = async () => "evil";']));
    expect(await failureOf(digest)).toMatch(/was changed in the store: its content has another digest/);
    // A new deployment repairs the package.
    await put(['index.js', 'exports.handler = async () => "good";']);
    expect(await run(openHost(folder), fn(digest))).toMatchObject({ payload: 'good' });
  });

  test('because it is missing or no archive, is a failure of the platform, which is tried again', async () => {
    expect(await failureOf('0'.repeat(128))).toMatch(/is not in the store/);
    expect(await failureOf(await nats.ports.packages.put(Buffer.from('no archive')))).toMatch(/is no zip archive/);
  });

  test('because another project uploaded it, never runs, although it is unpacked here', async () => {
    const digest = await put(['index.js', 'exports.handler = async () => "own";']);
    expect(await run(openHost(folder), fn(digest))).toMatchObject({ payload: 'own' });
    const cache = createPackageCache({ packages: nats.ports.packages, folder });
    (await cache.open(digest)).release();
    await expect(cache.open(digest, 'b')).rejects.toThrow('the project of the function did not upload it');
    await nats.ports.packages.put(await files(['index.js', 'exports.handler = async () => "own";']), 'b');
    expect((await cache.open(digest, 'b')).folder).toBe(join(folder, digest));
  });

  test('because it would leave its folder, writes nothing', async () => {
    expect(await failureOf(await put(['../escaped.js', 'x']))).toMatch(/whose name cannot be used/);
    await expect(readFile(join(folder, '..', 'escaped.js'))).rejects.toThrow('ENOENT');
  });
});

describe('the folder of unpacked packages', () => {
  const old = new Date(Date.now() - 3 * 86_400_000);

  test('loses the packages unused for long beyond the limit, and keeps the ones in use', async () => {
    const cache = createPackageCache({ packages: nats.ports.packages, folder, maxPackages: 2, keepUnusedInMs: 86_400_000 });
    const digests = [];
    for (const content of ['a', 'b', 'c', 'd']) digests.push(await put(['index.js', content]));
    const [held = '', gone = '', young = '', last = ''] = digests;
    const holding = await cache.open(held);
    for (const digest of [gone, young]) (await cache.open(digest)).release();
    for (const digest of [held, gone]) await utimes(join(folder, digest), old, old);
    await mkdir(join(folder, '.making-dead'));
    await utimes(join(folder, '.making-dead'), old, old);
    await writeFile(join(folder, 'not-ours'), '');
    (await cache.open(last)).release();
    expect((await readdir(folder)).sort()).toEqual([held, young, last, 'not-ours'].sort());
    // A removed package is fetched again when needed.
    const again = await cache.open(gone);
    expect(await readFile(join(again.folder, 'index.js'), 'utf8')).toBe('b');
    holding.release();
    await cache.close();
  });
});
