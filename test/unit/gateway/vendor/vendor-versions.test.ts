import { beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import { ask as askApp, expectError, F, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';
import { zipOf } from '#test/support/gateway/zip-archive.ts';

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const source = 'exports.handler = async () => 1';
const wanted = {
  func_name: 'made',
  package: 'default',
  runtime: 'Node.js18.15',
  timeout: 3,
  handler: 'index.handler',
  memory_size: 128,
  code_type: 'inline',
  func_code: { file: base64(source) },
};
const config = { func_name: 'made', runtime: 'Node.js20.15', timeout: 9, handler: 'index.handler', memory_size: 256 };

let opened: OpenedApp;
beforeEach(async () => {
  opened = await openApp();
  expect((await ask('POST', F, wanted)).status).toBe(200);
});

const ask = (method: string, path: string, body?: unknown) => askApp(opened, method, path, { body });
async function answer(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const response = await ask(method, path, body);
  const text = await response.text();
  expect([response.status, text]).toEqual([200, expect.anything()]);
  return JSON.parse(text);
}
const publish = (body?: unknown) => ask('POST', `${F}/made/versions`, body);
/** Changes the code, so that a new version can be published. */
const change = async (text: string) =>
  expect((await ask('PUT', `${F}/made/code`, { code_type: 'inline', func_code: { file: base64(text) } })).status).toBe(200);

describe('the code of a function', () => {
  test('is shown as it was sent, inline and zipped, with its digest', async () => {
    expect(await answer('GET', `${F}/made/code`)).toMatchObject({
      func_urn: 'urn:fss:local:p1:function:default:made:latest',
      code_type: 'inline',
      code_size: source.length,
      digest: digestOf(Buffer.from(source)),
      func_code: { file: base64(source) },
      depend_list: [],
    });
    const archive = zipOf([{ name: 'index.mjs', content: 'export const handler = 1' }]);
    opened.at(Date.parse('2026-11-24T12:00:09.400Z'));
    const changed = await answer('PUT', `${F}/made/code`, { code_type: 'zip', func_code: { file: base64(archive) } });
    expect(changed).toMatchObject({
      code_type: 'zip',
      digest: digestOf(archive),
      func_code: { file: base64(archive) },
      last_modified: '2026-11-24T12:00:09Z',
    });
    expect(await answer('GET', `${F}/made/code`)).toEqual(changed);
    expect((await opened.registry.get('made')).definition.handler).toMatchObject({ package: digestOf(archive), file: 'index.mjs' });
  });

  test.for<[string, object, string]>([
    ['a jar', { code_type: 'jar', func_code: { file: base64('x') } }, 'FSS.1006'],
    ['an image', { code_type: 'Custom-Image-Swr' }, 'FSS.1006'],
    ['an object of OBS', { code_type: 'obs', code_url: 'https://b.obs/x.zip' }, 'FSS.1006'],
    ['no code', { code_type: 'inline' }, 'FSS.1011'],
    ['an invalid archive', { code_type: 'zip', func_code: { file: base64('x') } }, 'FSS.0400'],
  ])('is refused for %s, and stays unchanged', async ([, body, code]) => {
    const before = await answer('GET', `${F}/made/code`);
    await expectError(await ask('PUT', `${F}/made/code`, body), 400, code);
    expect(await answer('GET', `${F}/made/code`)).toEqual(before);
  });
});

describe('the configuration of a function', () => {
  test('is changed, keeps the fields that are left out, and shows no secret', async () => {
    const secret = { ...config, description: 'd', user_data: '{"a":"1"}', encrypted_user_data: '{"key":"hush"}' };
    const changed = await answer('PUT', `${F}/made/config`, secret);
    expect(changed).toMatchObject({ timeout: 9, memory_size: 256, runtime: 'Node.js20.15', user_data: '{"a":"1"}' });
    expect(JSON.stringify(changed)).not.toContain('hush');
    expect(await answer('PUT', `${F}/made/config`, { ...config, timeout: 10 })).toMatchObject({
      timeout: 10,
      description: 'd',
      user_data: '{"a":"1"}',
      encrypted_user_data: '{"key":"******"}',
    });
    expect(JSON.stringify(await opened.registry.get('made'))).not.toContain('hush');
    expect((await opened.entries.get('made'))?.value).toContain('"hush"');
  });

  test.for<[string, object, string]>([
    ['another name', { func_name: 'other' }, 'FSS.1002'],
    ['a timeout', { timeout: 259_201 }, 'FSS.1008'],
    ['a memory size', { memory_size: 1 }, 'FSS.1007'],
    ['a handler', { handler: 'index' }, 'FSS.1003'],
  ])('is refused for %s', async ([, wrong, code]) => {
    await expectError(await ask('PUT', `${F}/made/config`, { ...config, ...wrong }), 400, code);
  });

  test('limits the executions of a worker by the maximum of instances', async () => {
    for (const [given, concurrency] of [
      [7, 7],
      [0, 7],
      [-1, 1_000],
    ] as const) {
      const shown = await answer('PUT', `${F}/made/config-max-instance`, { max_instance_num: given });
      expect(shown).toMatchObject({ strategy_config: { concurrency: given } });
      expect((await opened.registry.get('made')).definition.concurrency).toBe(concurrency);
    }
    await expectError(await ask('PUT', `${F}/made/config-max-instance`, { max_instance_num: 1_001 }), 400, 'FSS.0400');
  });
});

describe('versions', () => {
  test('are named after the time, keep code and configuration, and are listed with their async configuration', async () => {
    const asyncConfig = { max_async_event_age_in_seconds: 60, max_async_retry_attempts: 2 };
    await answer('PUT', `${F}/made/async-invoke-config`, asyncConfig);
    const first = await answer('POST', `${F}/made/versions`, { description: 'first' });
    expect(first).toMatchObject({
      func_urn: 'urn:fss:local:p1:function:default:made:v20261124-120000',
      version: 'v20261124-120000',
      version_description: 'first',
      digest: digestOf(Buffer.from(source)),
      last_modified: '2026-11-24T12:00:00Z',
      function_async_config: asyncConfig,
    });
    await change('exports.handler = async () => 2');
    expect(await answer('POST', `${F}/made/versions`, { version: 'v2' })).toMatchObject({ version: 'v2', version_description: '' });
    expect(await answer('GET', `${F}/made/versions`)).toMatchObject({
      count: 3,
      next_marker: 3,
      versions: [{ version: 'latest' }, { version: 'v2' }, { version: 'v20261124-120000', function_async_config: asyncConfig }],
    });
    expect(await answer('GET', `${F}/made/versions?maxitems=1&marker=1`)).toMatchObject({
      count: 3,
      next_marker: 2,
      versions: [{ version: 'v2' }],
    });
    expect(await answer('GET', `${F}/p1:default:made:v20261124-120000/code`)).toMatchObject({ func_code: { file: base64(source) } });
    expect(await answer('GET', `${F}/p1:default:made:v2/config`)).toMatchObject({ version: 'v2', timeout: 3 });
  });

  test('are refused without a change, twice, with a wrong digest, with a bad name, and beyond twenty', async () => {
    await answer('POST', `${F}/made/versions`, { version: 'v1', digest: digestOf(Buffer.from(source)) });
    await expectError(await publish({ version: 'v2' }), 400, 'FSS.1016');
    await change('exports.handler = async () => 2');
    await expectError(await publish({ version: 'v1' }), 409, 'FSS.1062');
    await expectError(await publish({ version: 'v2', digest: digestOf(Buffer.from(source)) }), 400, 'FSS.1011');
    for (const version of ['latest', '!x', 'a b', 'x'.repeat(43)]) await expectError(await publish({ version }), 400, 'FSS.1015');
    for (let count = 2; count < 20; count++) {
      await change(`exports.handler = async () => "${count}"`);
      await answer('POST', `${F}/made/versions`, { version: `v${count}` });
    }
    await change('exports.handler = async () => "last"');
    await expectError(await publish({ version: 'v20' }), 403, 'FSS.1042');
  });

  test('cannot be changed, nor deleted while an alias names them, and are deleted with their function', async () => {
    await answer('POST', `${F}/made/versions`, { version: 'v1' });
    await answer('POST', `${F}/made/aliases`, { name: 'prod', version: 'v1' });
    const v1 = `${F}/p1:default:made:v1`;
    await expectError(await ask('PUT', `${v1}/config`, config), 400, 'FSS.1015');
    await expectError(await ask('PUT', `${v1}/code`, { code_type: 'inline', func_code: { file: base64('x') } }), 400, 'FSS.1015');
    await expectError(await ask('DELETE', v1), 403, 'FSS.1094');
    await expectError(await ask('DELETE', `${F}/p1:default:made:latest`), 400, 'FSS.1015');
    expect((await ask('DELETE', `${F}/p1:default:made:!prod`)).status).toBe(204);
    await expectError(await ask('GET', `${v1}/config`), 404, 'FSS.1052');
    await expectError(await ask('GET', `${F}/p1:default:made:!prod/config`), 404, 'FSS.1053');
    expect((await ask('DELETE', `${F}/made`)).status).toBe(204);
    await expectError(await ask('GET', `${F}/made/versions`), 404, 'FSS.1051');
  });
});

describe('aliases', () => {
  const A = `${F}/made/aliases`;
  beforeEach(async () => {
    await answer('POST', `${F}/made/versions`, { version: 'v1' });
    await change('exports.handler = async () => 2');
    await answer('POST', `${F}/made/versions`, { version: 'v2' });
  });

  test('are created, listed as a bare array, shown, moved and deleted', async () => {
    const made = await answer('POST', A, { name: 'prod', version: 'v1', description: 'd', additional_version_weights: { v2: 10 } });
    expect(made).toEqual({
      name: 'prod',
      version: 'v1',
      description: 'd',
      last_modified: '2026-11-24T12:00:00Z',
      alias_urn: 'urn:fss:local:p1:function:default:made:!prod',
      additional_version_weights: { v2: 10 },
      additional_version_strategy: {},
    });
    expect(await answer('GET', A)).toEqual([made]);
    expect(await answer('GET', `${A}/prod`)).toEqual(made);
    expect(await answer('PUT', `${A}/prod`, { version: 'v2' })).toMatchObject({ version: 'v2', additional_version_weights: {} });
    expect(await answer('GET', `${F}/p1:default:made:!prod/config`)).toMatchObject({ version: 'v2' });
    const deleted = await ask('DELETE', `${A}/prod`);
    expect([deleted.status, await deleted.text()]).toEqual([204, '']);
    await expectError(await ask('GET', `${A}/prod`), 404, 'FSS.1053');
    await expectError(await ask('DELETE', `${A}/prod`), 404, 'FSS.1053');
  });

  test('are refused if they or an alias of their version exist, without a version, or for a wrong name', async () => {
    await answer('POST', A, { name: 'prod', version: 'v1' });
    await expectError(await ask('POST', A, { name: 'prod', version: 'v2' }), 409, 'FSS.1063');
    await expectError(await ask('POST', A, { name: 'other', version: 'v1' }), 409, 'FSS.1066');
    await expectError(await ask('POST', A, { name: 'other', version: 'v9' }), 404, 'FSS.1052');
    await expectError(await ask('POST', A, { name: '1', version: 'v2' }), 400, 'FSS.1014');
    await expectError(await ask('POST', A, { name: 'other' }), 400, 'FSS.1015');
    for (const weights of [{ v1: 101 }, { v1: 60, latest: 50 }, { v1: 0.5 }])
      await expectError(await ask('POST', A, { name: 'other', version: 'v2', additional_version_weights: weights }), 400, 'FSS.1015');
    const rules = { additional_version_strategy: { v1: { rules: [] } } };
    await expectError(await ask('POST', A, { name: 'other', version: 'v2', ...rules }), 400, 'FSS.0400');
    await expectError(await ask('PUT', `${A}/ghost`, { version: 'v2' }), 404, 'FSS.1053');
  });
});

test('the quotas count the functions and the code of all versions', async () => {
  await answer('POST', `${F}/made/versions`, { version: 'v1' });
  expect(await answer('GET', '/v2/p1/fgs/quotas')).toEqual({
    quotas: {
      resources: [
        { type: 'fgs_func_num', used: 1, quota: 400 },
        { type: 'fgs_func_code_size', used: 1, quota: 10_240, unit: 'MB' },
      ],
    },
  });
  const more = Array.from({ length: 399 }, (_, count) => `more${count}`);
  for (const name of more) await opened.registry.put({ name, handler: { kind: 'inline' } });
  await expectError(await ask('POST', F, { ...wanted, func_name: 'last' }), 403, 'FSS.1041');
});
