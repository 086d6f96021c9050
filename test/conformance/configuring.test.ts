import { describe, expect } from 'vitest';
import { type Reply, refusalOf } from '#test/support/conformance/sdk.ts';
import { OTHER, OTHER_TOKEN, OWN, type System, startSystem } from '#test/support/conformance/system.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* Rows 11 to 17: the asynchronous configuration. */

const test = sharedByFile(startSystem);
let system: System;
let test1: string;
let test2: string;

test.beforeAll(async ({ sequent: own }) => {
  system = own;
  [test1, test2] = await Promise.all([system.deploy('test1'), system.deploy('test2')]);
});

const put = (body: object, urn = test1): Promise<Reply> => system.sdk.updateFunctionAsyncInvokeConfig({ function_urn: urn, body });
const show = (urn = test1): Promise<Reply> => system.sdk.showFunctionAsyncInvokeConfig({ function_urn: urn });
const remove = (urn = test1): Promise<Reply> => system.sdk.deleteFunctionAsyncInvokeConfig({ function_urn: urn });
const list = (query: object = {}, urn = test1): Promise<Reply> => system.sdk.listFunctionAsyncInvokeConfig({ function_urn: urn, ...query });
const telling = (urn: string) => ({ destination: 'FunctionGraph', param: `{ "func_urn" : "${urn}" }` });

const FIELDS = [
  'created_time',
  'destination_config',
  'enable_async_status_log',
  'func_urn',
  'last_modified',
  'max_async_event_age_in_seconds',
  'max_async_retry_attempts',
];

describe('the configuration of a function', () => {
  test('row 11: is answered with all seven fields, and shown again unchanged', async () => {
    const body = {
      max_async_event_age_in_seconds: 120,
      max_async_retry_attempts: 2,
      destination_config: { on_success: telling(test2), on_failure: telling('default:test2') },
      enable_async_status_log: true,
    };
    const { httpStatusCode, ...stored } = await put(body);
    expect([httpStatusCode, Object.keys(stored).sort()]).toEqual([200, FIELDS]);
    expect(stored).toMatchObject({ func_urn: test1, ...body });
    const { httpStatusCode: shown, ...again } = await show();
    expect([shown, again]).toEqual([200, stored]);
  });

  test.for<[string, object]>([
    ['an age of 0', { max_async_event_age_in_seconds: 0 }],
    ['an age of 86,401', { max_async_event_age_in_seconds: 86_401 }],
    ['a negative age', { max_async_event_age_in_seconds: -1 }],
    ['an age that is not whole', { max_async_event_age_in_seconds: 1.5 }],
    ['an age that is a text', { max_async_event_age_in_seconds: '60' }],
    ['-1 retries', { max_async_retry_attempts: -1 }],
    ['4 retries', { max_async_retry_attempts: 4 }],
  ])('row 12: is refused with %s', async ([, body]) => {
    expect(await refusalOf(put(body))).toMatchObject({ httpStatusCode: 400, errorCode: expect.stringMatching(/^FSS\./) });
  });

  test('row 12: may have an age of 1 and of 86,400 seconds, 0 and 3 retries', async () => {
    for (const max_async_event_age_in_seconds of [1, 86_400])
      expect(await put({ max_async_event_age_in_seconds })).toMatchObject({ max_async_event_age_in_seconds });
    for (const max_async_retry_attempts of [0, 3])
      expect(await put({ max_async_retry_attempts })).toMatchObject({ max_async_retry_attempts });
  });

  test('row 13: is replaced by a PUT; a field that is left out becomes its default', async () => {
    await put({ max_async_event_age_in_seconds: 60, max_async_retry_attempts: 3, destination_config: { on_success: telling(test2) } });
    expect(await put({})).toMatchObject({
      max_async_event_age_in_seconds: 3_600,
      max_async_retry_attempts: 1,
      destination_config: {},
      enable_async_status_log: false,
    });
  });

  test.for<[string, object]>([
    ['an unknown destination', { destination: 'Kafka', param: '{}' }],
    ['a destination in another case', { destination: 'functiongraph', param: '{"func_urn":"test2"}' }],
    ['a param that is not JSON', { destination: 'FunctionGraph', param: 'test2' }],
    ['a param that is no string', { destination: 'FunctionGraph', param: { func_urn: 'test2' } }],
    ['FunctionGraph without func_urn', { destination: 'FunctionGraph', param: '{}' }],
    ['an invalid func_urn', { destination: 'FunctionGraph', param: '{"func_urn":"a:b:c:d:e"}' }],
    ['a function of another project', { destination: 'FunctionGraph', param: `{"func_urn":"${OTHER.project}:default:test2"}` }],
    ['OBS without a bucket', { destination: 'OBS', param: '{"prefix":"p"}' }],
    ['OBS that expires after 366 days', { destination: 'OBS', param: '{"bucket":"b","expires":366}' }],
    ['OBS that expires after -1 days', { destination: 'OBS', param: '{"bucket":"b","expires":-1}' }],
    ['SMN without a topic', { destination: 'SMN', param: '{}' }],
    ['DIS without a stream', { destination: 'DIS', param: '{}' }],
    ['OBS without a configured connection', { destination: 'OBS', param: '{"bucket":"b","prefix":"p","expires":0}' }],
  ])('row 14: is refused with %s, and stays as it was', async ([, destination]) => {
    const before = await show();
    for (const when of ['on_success', 'on_failure'])
      expect(await refusalOf(put({ destination_config: { [when]: destination } }))).toMatchObject({ httpStatusCode: 400 });
    expect(await show()).toEqual(before);
  });

  test('row 15: shows its times of creation and of change, in RFC 3339 with whole seconds', async () => {
    const urn = await system.deploy('dated');
    const first = await put({}, urn);
    expect([first.created_time, first.last_modified]).toEqual([expect.stringMatching(SECONDS), expect.stringMatching(SECONDS)]);
    // Times have whole seconds, so a change is visible in the next second.
    let changed = first;
    for (let tries = 1; changed.last_modified === first.last_modified && tries <= 1_000; tries++)
      changed = await put({ max_async_event_age_in_seconds: tries }, urn);
    expect(Date.parse(changed.last_modified)).toBeGreaterThan(Date.parse(first.last_modified));
    expect(changed.created_time).toBe(first.created_time);
  });

  test('row 16: is deleted with an empty 204, and then does not exist', async () => {
    const urn = await system.deploy('unconfigured');
    expect(await refusalOf(show(urn))).toMatchObject({ httpStatusCode: 404 });
    await put({}, urn);
    expect(await remove(urn)).toEqual({ httpStatusCode: 204 });
    expect(await refusalOf(show(urn))).toMatchObject({ httpStatusCode: 404 });
    expect(await refusalOf(remove(urn))).toMatchObject({ httpStatusCode: 404 });
    expect(await refusalOf(remove(urn.replace('unconfigured', 'nobody')))).toMatchObject({ httpStatusCode: 404, errorCode: 'FSS.1051' });
  });

  test('row 17: is listed for all versions and aliases, page by page', async () => {
    const urn = await system.deploy('versioned', { config: { max_async_retry_attempts: 2 } });
    const at = (qualifier: string): string => urn.replace(/latest$/, qualifier);
    for (let n = 0; n < 12; n++) {
      await system.sdk.updateFunctionConfig({
        function_urn: urn,
        body: {
          func_name: 'versioned',
          runtime: 'Node.js18.15',
          timeout: 30,
          handler: 'index.handler',
          memory_size: n % 2 === 0 ? 256 : 128,
        },
      });
      await system.sdk.createFunctionVersion({ function_urn: urn, body: { version: `v${n}` } });
    }
    await put({ max_async_retry_attempts: 3 }, at('v1'));
    await system.sdk.createVersionAlias({ function_urn: urn, body: { name: 'prod', version: 'v1' } });
    await put({ max_async_retry_attempts: 0 }, at('!prod'));
    const all = await list({ limit: '500' }, urn);
    expect(all).toMatchObject({ count: 14, page_info: { next_marker: 0, previous_marker: 0, current_count: 14 } });
    const retries = new Map(all.async_invoke_configs.map((config: Reply) => [config.func_urn, config.max_async_retry_attempts]));
    expect([retries.get(urn), retries.get(at('v0')), retries.get(at('v1')), retries.get(at('!prod'))]).toEqual([2, 2, 3, 0]);
    const first = await list({ limit: '0' }, urn);
    expect([first.async_invoke_configs.length, first.page_info]).toEqual([10, { next_marker: 10, previous_marker: 0, current_count: 10 }]);
    const second = await list({ marker: String(first.page_info.next_marker) }, urn);
    expect([second.async_invoke_configs.length, second.page_info]).toEqual([4, { next_marker: 0, previous_marker: 0, current_count: 4 }]);
    expect([...first.async_invoke_configs, ...second.async_invoke_configs]).toEqual(all.async_invoke_configs);
    expect(await refusalOf(list({ limit: '-1' }, urn))).toMatchObject({ httpStatusCode: 400 });
    expect(await list({}, await system.deploy('bare'))).toMatchObject({
      async_invoke_configs: [],
      count: 0,
      page_info: { next_marker: 0 },
    });
  });

  test('keeps its configured log group and stream', async () => {
    const log = { log_group_id: 'g1', log_group_name: 'group', log_stream_id: 's1', log_stream_name: 'stream' };
    expect(await put({ enable_async_status_log: true, ...log })).toMatchObject(log);
    expect(await show()).toMatchObject({ enable_async_status_log: true, ...log });
    expect(Object.keys(await put({}))).not.toContain('log_group_id');
  });
});

describe('the status log of the project', () => {
  test('is enabled, and then names its log group and stream', async () => {
    expect(await refusalOf(system.sdk.showProjectAsyncStatusLogInfo())).toMatchObject({ httpStatusCode: 404 });
    expect((await system.sdk.enableAsyncStatusLog()).httpStatusCode).toBe(200);
    const where = await system.sdk.showProjectAsyncStatusLogInfo();
    expect(Object.keys(where).sort()).toEqual(['group_id', 'group_name', 'httpStatusCode', 'stream_id', 'stream_name']);
    await system.sdk.enableAsyncStatusLog();
    expect(await system.sdk.showProjectAsyncStatusLogInfo()).toEqual(where);
    expect(await refusalOf(system.other.showProjectAsyncStatusLogInfo())).toMatchObject({ httpStatusCode: 404 });
    expect(where.group_name).toContain(OWN.project);
  });

  test('has a row for every status that an invocation of an enabled function reaches', async () => {
    const rowsOf = async (query: string): Promise<Reply[]> =>
      ((await (await system.raw('GET', `/api/status-log?${query}`)).json()) as { rows: Reply[] }).rows;
    const urn = await system.deploy('logged', { config: { enable_async_status_log: true, max_async_retry_attempts: 0 } });
    const silent = await system.deploy('silent');
    const [id, other] = await Promise.all(
      [urn, silent].map(
        async (one) => (await system.sdk.asyncInvokeFunction({ function_urn: one, body: { throws: 'logged' } })).request_id,
      ),
    );
    for (const [one, invoked] of [
      [urn, id],
      [silent, other],
    ])
      await system.record(one, invoked, ({ status }) => status === 'FAIL');
    const rows = await rowsOf(`function=logged&request_id=${id}`);
    expect(rows.map(({ seq_status, error_code }) => [seq_status, error_code])).toEqual([
      [1, 0],
      [2, 0],
      [4, 4002],
    ]);
    expect(rows.every(({ function_urn, request_id }) => function_urn === urn && request_id === id)).toBe(true);
    expect(rows.at(-1).error_message).toContain('logged');
    expect(rows.map(({ operation_timestamp }) => operation_timestamp)).toEqual(
      rows.map(({ operation_timestamp }) => operation_timestamp).sort((one, another) => one - another),
    );
    expect(await rowsOf('function=logged')).toEqual(rows);
    expect(await rowsOf('function=silent')).toEqual([]);
    expect((await system.raw('GET', '/api/status-log?function=logged', { token: OTHER_TOKEN })).status).toBe(404);
  });
});

const SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$/;
