import { randomBytes } from 'node:crypto';
import { describe, expect } from 'vitest';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import { readZip } from '#src/core/zip/read-zip.ts';
import { appTest } from '#test/support/gateway/app-test.ts';
import { expectError, F } from '#test/support/gateway/opened-app.ts';
import { zipOf } from '#test/support/gateway/zip-archive.ts';

const test = appTest
  /** The files of a function's package, as text. */
  .extend('codeOf', ({ opened }) => async (name: string): Promise<[string, string][]> => {
    const { handler } = (await opened.registry.get(name)).definition;
    const archive = await opened.client.packages.get((handler as { package: string }).package);
    return (await readZip(Buffer.from(archive ?? []))).map(({ path, content }) => [path, Buffer.from(content).toString()]);
  });

describe('functions', () => {
  const code = (text: string) => ({ file: Buffer.from(text).toString('base64') });
  const wanted = {
    func_name: 'made',
    package: 'default',
    runtime: 'Node.js18.15',
    timeout: 3,
    handler: 'index.handler',
    memory_size: 128,
    code_type: 'inline',
    func_code: code('exports.handler = async () => 1'),
  };

  test('return unused fields unchanged, and refuse dependencies that do not exist', async ({ ask }) => {
    const kept = { xrole: 'an-agency', type: 'v1', func_vpc: { vpc_id: 'v' }, enable_dynamic_memory: true };
    const created = await ask('POST', F, { ...wanted, ...kept, unheard_of: 1, depend_version_list: [] });
    const shown = (await created.json()) as object;
    expect(shown).toMatchObject(kept);
    expect(Object.keys(shown)).not.toContain('unheard_of');
    const { package: _, code_type: __, func_code: ___, ...config } = wanted;
    const changed = await ask('PUT', `${F}/made/config`, { ...config, xrole: 'another', memory_size: 256 });
    expect(await changed.json()).toMatchObject({ ...kept, xrole: 'another', memory_size: 256 });
    await expectError(await ask('POST', F, { ...wanted, func_name: 'large', log_config: 'x'.repeat(9_000) }), 400, 'FSS.0400');
    await expectError(await ask('POST', F, { ...wanted, func_name: 'needy', depend_version_list: ['d1'] }), 400, 'FSS.0400');
  });

  test('have dependencies, which are uploaded with versions, and which new code keeps', async ({ ask, opened }) => {
    const D = F.replace('/functions', '/dependencies');
    const upload = async (content: string) => {
      const depend_file = zipOf([{ name: 'shared.js', content }]).toString('base64');
      const answer = await ask('POST', `${D}/version`, { depend_type: 'zip', depend_file, runtime: 'Node.js18.15', name: 'shared' });
      expect(answer.status).toBe(200);
      return (await answer.json()) as { id: string; dep_id: string; version: number };
    };
    // Larger than an event may be.
    const [first, second] = [await upload(randomBytes(200_000).toString('hex')), await upload('2')];
    expect([first.version, second.version, second.dep_id === first.dep_id]).toEqual([1, 2, true]);
    expect(await (await ask('GET', D)).json()).toMatchObject({ count: 1, dependencies: [{ id: second.id, name: 'shared', version: 2 }] });
    expect(await (await ask('GET', `${D}/${first.dep_id}/version`)).json()).toMatchObject({ count: 2, dependencies: [second, first] });
    expect(await (await ask('GET', `${D}/${first.dep_id}/version/1`)).json()).toMatchObject(first);
    const layersOf = async () => ((await opened.registry.get('layered')).definition.handler as { layers?: string[] }).layers;
    const created = await ask('POST', F, { ...wanted, func_name: 'layered', depend_version_list: [first.id] });
    expect(await created.json()).toMatchObject({ depend_version_list: [first.id] });
    const used = await layersOf();
    expect(used).toHaveLength(1);
    const changed = await ask('PUT', `${F}/layered/code`, { code_type: 'inline', func_code: code('exports.handler = async () => 2') });
    expect(await changed.json()).toMatchObject({ depend_list: [first.id] });
    expect(await layersOf()).toEqual(used);
    const { package: _, code_type: __, func_code: ___, ...config } = wanted;
    const replaced = await ask('PUT', `${F}/layered/config`, { ...config, func_name: 'layered', depend_version_list: [second.id] });
    expect(await replaced.json()).toMatchObject({ depend_version_list: [second.id] });
    expect(await layersOf()).not.toEqual(used);
    // A function keeps what it uses.
    expect((await ask('DELETE', `${D}/${first.dep_id}/version/2`)).status).toBe(204);
    expect(await (await ask('GET', `${D}/${first.dep_id}/version`)).json()).toMatchObject({ count: 1 });
    expect((await ask('GET', `${D}/${first.dep_id}/version/2`)).status).toBe(404);
    expect(await layersOf()).toHaveLength(1);
    const none = await ask('PUT', `${F}/layered/config`, { ...config, func_name: 'layered', depend_version_list: [] });
    expect(none.status).toBe(200);
    expect(await layersOf()).toBeUndefined();
    await expectError(
      await ask('POST', `${D}/version`, { depend_type: 'obs', depend_file: 'eA==', runtime: 'http', name: 'x' }),
      400,
      'FSS.0400',
    );
  });

  test('of other runtimes are refused by name, and those of Custom and http are stored with their program', async ({
    ask,
    opened,
    codeOf,
  }) => {
    for (const runtime of ['Java11', 'Go1.x', 'C#(.NET Core 3.1)', 'PHP7.3', 'Python2.7', 'Custom Image'])
      await expectError(await ask('POST', F, { ...wanted, func_name: 'other', runtime }), 400, 'FSS.1005');
    for (const [runtime, name] of [
      ['Custom', 'custom'],
      ['http', 'http'],
    ] as const) {
      const created = await ask('POST', F, { ...wanted, func_name: `made-${name}`, runtime, func_code: code('#!/bin/sh') });
      expect(await created.json()).toMatchObject({ runtime, handler: 'index.handler' });
      const { handler } = (await opened.registry.get(`made-${name}`)).definition;
      expect(handler).toMatchObject({ file: 'bootstrap', runtime: name, export: 'index.handler' });
      expect(await codeOf(`made-${name}`)).toEqual([['bootstrap', '#!/bin/sh']]);
      const archive = await opened.client.packages.get((handler as { package: string }).package);
      expect((await readZip(Buffer.from(archive ?? [])))[0]?.isExecutable).toBe(true);
      expect(await (await ask('GET', `${F}/made-${name}/config`)).json()).toMatchObject({ runtime });
    }
  });

  test('that are created again inherit neither disabling nor configuration from an earlier one', async ({ ask, opened }) => {
    await ask('PUT', `${F}/test1/config-max-instance`, { max_instance_num: 0 });
    await ask('PUT', `${F}/test1/async-invoke-config`, { max_async_retry_attempts: 3 });
    for (const path of [`${F}/test1/invocations-async`, '/api/functions/test1/invocations'])
      expect((await ask('POST', path, {})).status).toBe(429);
    await opened.registry.delete('test1');
    expect((await ask('PUT', '/api/functions/test1', { handler: { kind: 'inline' } })).status).toBe(200);
    for (const path of [`${F}/test1/invocations-async`, '/api/functions/test1/invocations'])
      expect((await ask('POST', path, {})).status).toBe(202);
    expect((await ask('GET', `${F}/test1/async-invoke-config`)).status).toBe(404);
  });

  test('are created from inline code, shown, listed and deleted', async ({ ask, opened, codeOf }) => {
    const created = await ask('POST', F, { ...wanted, user_data: '{"k":"v"}' });
    expect(created.status).toBe(200);
    const answer = (await created.json()) as Record<string, unknown>;
    expect(answer).toMatchObject({
      func_urn: 'urn:fss:local:p1:function:default:made:latest',
      namespace: 'p1',
      version: 'latest',
      timeout: 3,
      cpu: 300,
      handler: 'index.handler',
    });
    expect(answer.digest).toMatch(/^[0-9a-f]{128}$/);
    const { definition } = await opened.registry.get('made');
    expect(definition).toMatchObject({
      timeoutInMs: 3_000,
      memoryInMb: 128,
      userData: { k: 'v' },
      handler: { kind: 'process', export: 'handler' },
    });
    expect(await codeOf('made')).toEqual([['index.js', 'exports.handler = async () => 1']]);
    expect(await (await ask('GET', `${F}/made/config`)).json()).toEqual(answer);
    await expectError(await ask('POST', F, wanted), 409, 'FSS.1061');
    expect(await (await ask('GET', `${F}?func_name=ad`)).json()).toMatchObject({ functions: [answer], count: 1, next_marker: 1 });
    expect(await (await ask('GET', `${F}?maxitems=1&marker=1`)).json()).toMatchObject({
      functions: [{ func_name: 'test1' }],
      count: 2,
      next_marker: 2,
    });
    await expectError(await ask('DELETE', `${F}/p1:default:made:latest`), 400, 'FSS.1015');
    const deleted = await ask('DELETE', `${F}/made`);
    expect([deleted.status, await deleted.text()]).toEqual([204, '']);
    await expectError(await ask('GET', `${F}/made/config`), 404, 'FSS.1051');
  });

  test('are created, shown and changed in Python, also by a version that the worker maps to another one', async ({ ask, opened }) => {
    const code = Buffer.from('def handler(event, context):\n    return 1\n').toString('base64');
    const python = { ...wanted, func_name: 'snake', runtime: 'Python3.9', func_code: { file: code } };
    const created = await ask('POST', F, python);
    expect(await created.json()).toMatchObject({ runtime: 'Python3.9', handler: 'index.handler' });
    const { definition } = await opened.registry.get('snake');
    expect(definition.handler).toMatchObject({ kind: 'process', file: 'index.py', runtime: 'python3.9', export: 'handler' });
    const changed = await ask('PUT', `${F}/snake/config`, { ...python, runtime: 'Python3.12' });
    expect(await changed.json()).toMatchObject({ runtime: 'Python3.12' });
    expect((await opened.registry.get('snake')).definition.handler).toMatchObject({ file: 'index.py', runtime: 'python3.12' });
    const replaced = await ask('PUT', `${F}/snake/code`, { code_type: 'inline', func_code: { file: code } });
    expect(await replaced.json()).toMatchObject({ runtime: 'Python3.12', code_filename: 'index.py' });
    expect((await opened.registry.get('snake')).definition.handler).toMatchObject({ file: 'index.py', runtime: 'python3.12' });
  });

  test('are refused in a runtime that cannot run the file of the handler, when they are created and changed', async ({ ask }) => {
    const zipped = (name: string, content: string) => ({
      code_type: 'zip',
      func_code: { file: zipOf([{ name, content }]).toString('base64') },
    });
    const script = zipped('index.js', 'exports.handler = async () => 1');
    const python = zipped('index.py', 'def handler(event, context):\n    return 1\n');
    await expectError(await ask('POST', F, { ...wanted, ...script, runtime: 'Python3.9' }), 400, 'FSS.1005');
    await expectError(await ask('POST', F, { ...wanted, ...python }), 400, 'FSS.1005');
    expect((await ask('POST', F, { ...wanted, ...script, func_name: 'fits' })).status).toBe(200);
    await expectError(await ask('PUT', `${F}/fits/config`, { ...wanted, func_name: 'fits', runtime: 'Python3.9' }), 400, 'FSS.1005');
    await expectError(await ask('PUT', `${F}/fits/code`, python), 400, 'FSS.1005');
  });

  test('are created from a zip with the handler in a folder, and keep the code in the package', async ({ ask, opened }) => {
    const archive = zipOf([
      { name: 'src/main.mjs', content: 'export const handler = 1' },
      { name: 'README', content: 'x' },
    ]);
    const zipped = { ...wanted, code_type: 'zip', handler: 'src/main.handler', func_code: { file: archive.toString('base64') } };
    expect((await ask('POST', F, zipped)).status).toBe(200);
    const { handler } = (await opened.registry.get('made')).definition;
    expect(handler).toMatchObject({ file: 'src/main.mjs', package: digestOf(archive) });
    expect(await opened.client.packages.get(digestOf(archive))).toEqual(new Uint8Array(archive));
    const evil = {
      ...zipped,
      func_name: 'evil',
      func_code: { file: zipOf([{ name: '../../escaped.js', content: 'x' }]).toString('base64') },
    };
    await expectError(await ask('POST', F, evil), 400, 'FSS.0400');
  });

  test.for<[string, object, string]>([
    ['a name', { func_name: '1st' }, 'FSS.1002'],
    ['a handler without a dot', { handler: 'handler' }, 'FSS.1003'],
    ['a handler outside its package', { handler: '../index.handler' }, 'FSS.1003'],
    ['a runtime', { runtime: 'Python2.7' }, 'FSS.1005'],
    ['a type of code', { code_type: 'jar' }, 'FSS.1006'],
    ['a memory size', { memory_size: 200 }, 'FSS.1007'],
    ['a timeout', { timeout: 2 }, 'FSS.1008'],
    ['user data', { user_data: '{"a":{}}' }, 'FSS.1009'],
    ['code that is not base64', { func_code: { file: '***' } }, 'FSS.1011'],
    ['an initializer elsewhere', { initializer_handler: 'other.init' }, 'FSS.1003'],
  ])('are refused for %s with the error code of the vendor', async ([, change, errorCode], { ask }) => {
    await expectError(await ask('POST', F, { ...wanted, ...change }), 400, errorCode);
  });

  test('are refused for more than 10 KB of inline code', async ({ ask }) => {
    await expectError(await ask('POST', F, { ...wanted, func_code: code('x'.repeat(10_241)) }), 413, 'FSS.1072');
  });
});
