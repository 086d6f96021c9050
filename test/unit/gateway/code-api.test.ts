import { beforeAll, describe, expect, test } from 'vitest';
import { writeZip } from '#src/core/zip/write-zip.ts';
import type { FunctionCode, StoredCode } from '#src/gateway/api/code/code-schemas.ts';
import { ask, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';
import { hasPython } from '#test/support/hosts/python.ts';

let opened: OpenedApp;
beforeAll(async () => {
  opened = await openApp();
});

const PATH = '/api/functions/coded';
const store = (body: object) => ask(opened, 'POST', `${PATH}/packages`, { body });
async function define(body: object): Promise<void> {
  const { handler } = (await (await store(body)).json()) as StoredCode;
  expect((await ask(opened, 'PUT', PATH, { body: { handler }, headers: { 'if-match': '*' } })).status).toBe(200);
}

describe('the code of a function over the own API', () => {
  test('is stored before its function is defined, and read as it was stored', async () => {
    const stored = (await (await store({ files: [{ path: 'index.mjs', text: 'export const handler = () => 1;' }] })).json()) as StoredCode;
    expect(stored.handler).toMatchObject({ kind: 'process', file: 'index.mjs', export: 'handler' });
    expect((await ask(opened, 'PUT', PATH, { body: { handler: stored.handler } })).status).toBe(200);
    const code = (await (await ask(opened, 'GET', `${PATH}/code`)).json()) as FunctionCode;
    expect(code).toMatchObject({ version: 'latest', is_stored: true });
    expect(code.files).toEqual([{ path: 'index.mjs', bytes: 31, text: 'export const handler = () => 1;' }]);
  });

  test('keeps the other files of its base, and a published version keeps its own', async () => {
    const files = [
      { path: 'index.mjs', text: 'export { handler } from "./lib.mjs";' },
      { path: 'lib.mjs', text: 'export const handler = () => 1;' },
      { path: 'data.bin', base64: 'AAH/' },
    ];
    await define({ files });
    await opened.registry.publish('coded', { version: 'v1' });
    await define({ base: 'v1', files: [{ path: 'lib.mjs', text: 'export const handler = () => 2;' }] });
    const of = async (qualifier: string) =>
      ((await (await ask(opened, 'GET', `${PATH}/code?qualifier=${qualifier}`)).json()) as FunctionCode).files.map(
        ({ path, text }) => `${path} ${text?.at(-2)}`,
      );
    expect(await of('v1')).toEqual(['index.mjs "', 'data.bin undefined', 'lib.mjs 1']);
    expect(await of('latest')).toEqual(['index.mjs "', 'data.bin undefined', 'lib.mjs 2']);
  });

  test.for<[string, object, RegExp]>([
    ['a syntax error', { files: [{ path: 'index.mjs', text: 'export const handler = (' }] }, /^index\.mjs:1:25: Unexpected end of file/],
    ['a missing export', { files: [{ path: 'index.mjs', text: 'export const other = 1;' }] }, /has no export "handler"/],
    ['a missing file', { files: [{ path: 'main.mjs', text: '' }] }, /the package has no index\.js/],
    ['a path out of the package', { files: [{ path: '../index.mjs', text: '' }] }, /whose name cannot be used/],
    ['both a zip archive and files', { zip: 'AAAA', files: [{ path: 'index.mjs', text: '' }] }, /must have either zip or files/],
  ])('is refused with the reason for %s', async ([, body, reason]) => {
    const refused = await store(body);
    expect([refused.status, ((await refused.json()) as { detail: string }).detail]).toEqual([400, expect.stringMatching(reason)]);
  });

  test('takes a named version of Python, keeps it with new files, and drops it for a file of Node.js', async () => {
    const index = { path: 'index.py', text: 'def handler(event, context):\n    return 1\n' };
    const script = { path: 'index.mjs', text: 'export const handler = () => 1;' };
    await define({ files: [index], runtime: 'python3.9' });
    const runtimeFor = async (body: object) => ((await (await store(body)).json()) as StoredCode).handler;
    expect(await runtimeFor({ base: 'latest', files: [{ ...index, text: `\n${index.text}` }] })).toMatchObject({ runtime: 'python3.9' });
    expect(await runtimeFor({ files: [index] })).toMatchObject({ runtime: 'python3.9' });
    // A file of the named language goes before that of another one with the same name.
    expect(await runtimeFor({ files: [script, index] })).toMatchObject({ file: 'index.py', runtime: 'python3.9' });
    expect(await runtimeFor({ files: [script, index], runtime: 'nodejs' })).toMatchObject({ file: 'index.mjs', runtime: 'nodejs' });
    expect(await runtimeFor({ files: [script] })).toEqual(expect.not.objectContaining({ runtime: expect.anything() }));
    const refused = await store({ files: [script], runtime: 'python3' });
    const errors = [{ pointer: '/runtime', detail: expect.stringContaining('python3 cannot run index.mjs') }];
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ errors })]);
    expect((await store({ files: [index], runtime: 'ruby' })).status).toBe(400);
  });

  test.skipIf(!hasPython)('in Python imports what its layers bring, also with new files and without naming them again', async () => {
    const archive = await writeZip([
      { path: 'layered_calls/__init__.py', content: Buffer.from('') },
      { path: 'layered_file.py', content: Buffer.from('') },
    ]);
    const digest = await opened.client.packages.put(archive);
    await opened.client.functions.layers.put(undefined, { name: 'web', digest, bytes: archive.length });
    const listed = await (await ask(opened, 'GET', '/api/layers')).json();
    expect(listed).toEqual({ layers: [{ name: 'web', version: 1, digest, bytes: archive.length, description: '' }] });
    const code = (imported: string) => ({ path: 'index.py', text: `import ${imported}\ndef handler(event, context):\n    return 1\n` });
    const refusal = async (body: object) => ((await (await store(body)).json()) as { detail?: string }).detail;
    const missing = expect.stringMatching(/^index\.py:1:1: the module "layered_calls" is neither in the package, nor in a layer/);
    expect(await refusal({ files: [code('layered_calls')] })).toEqual(missing);
    const body = { handler: 'index.handler', layers: [digest] };
    for (const imported of ['layered_calls', 'layered_calls.api', 'layered_file']) await define({ ...body, files: [code(imported)] });
    expect(await refusal({ ...body, files: [code('layered_other')] })).toContain('"layered_other"');
    await define({ base: 'latest', files: [code('layered_file as kept')] });
    expect((await opened.registry.get('coded')).definition.handler).toMatchObject({ layers: [digest] });
    // One that the project lacks brings nothing.
    expect(
      await refusal({ ...body, layers: [digest.replace(/^./, (first) => (first === '0' ? '1' : '0'))], files: [code('layered_file')] }),
    ).toContain('"layered_file"');
    await define({ files: [{ path: 'index.mjs', text: 'export const handler = () => 1;' }], layers: [] });
    expect((await opened.registry.get('coded')).definition.handler).toEqual(expect.not.objectContaining({ layers: expect.anything() }));
  });

  test('is refused when its check ends the compiler, and the next upload is checked as before', { timeout: 120_000 }, async () => {
    const good = { files: [{ path: 'index.mjs', text: 'export const handler = () => 1;' }] };
    const deep = store({ files: [{ path: 'index.mjs', text: '['.repeat(4_000_000) }] });
    const [refused, ...others] = await Promise.all([deep, store(good), store(good)]);
    expect([refused.status, ((await refused.json()) as { detail: string }).detail]).toEqual([
      400,
      expect.stringMatching(/^the code cannot be checked: the compiler needs more than \d+ MB or \d+ s for it, or ends$/),
    ]);
    expect(others.map(({ status }) => status)).toEqual([200, 200]);
    expect((await store(good)).status).toBe(200);
  });

  test('is stored for each of many uploads at one moment, which are checked one after another', { timeout: 120_000 }, async () => {
    const body = { files: [{ path: 'index.mjs', text: 'export const handler = () => 1;' }] };
    const answers = await Promise.all(Array.from({ length: 10 }, () => store(body)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  });
});
