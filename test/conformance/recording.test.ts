import { describe, expect } from 'vitest';
import { otherLimit, type Reply, refusalOf } from '#test/support/conformance/sdk.ts';
import { type System, startSystem } from '#test/support/conformance/system.ts';
import { until } from '#test/support/conformance/until.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* Rows 18 to 21: the records of invocations, and their cancellation. */

const test = sharedByFile(startSystem);
let system: System;
let test1: string;

test.beforeAll(async ({ sequent: own }) => {
  system = own;
  test1 = await system.deploy('test1');
});

const invoke = async (urn: string, body: object): Promise<string> =>
  (await system.sdk.asyncInvokeFunction({ function_urn: urn, body })).request_id;
const list = (query: object = {}, urn = test1): Promise<Reply> => system.sdk.listAsyncInvocations({ function_urn: urn, ...query });
const listActive = (query: object = {}, urn = test1): Promise<Reply> =>
  system.sdk.listActiveAsyncInvocations({ function_urn: urn, ...query });
const cancel = (urn: string, body: object): Promise<Reply> => system.sdk.cancelAsyncInvocation({ function_urn: urn, body });
const ids = ({ invocations }: Reply): string[] => invocations.map(({ request_id }: Reply) => request_id);
const oneAtOnce = (urn: string): Promise<Reply> =>
  system.sdk.updateFunctionMaxInstanceConfig({ function_urn: urn, body: { max_instance_num: 1 } });
const over = ({ status }: Reply): boolean => !['WAIT', 'RUNNING'].includes(status);

describe('the record of an invocation', () => {
  test('row 18: exists at once, and goes from WAIT over RUNNING to SUCCESS in this order', async () => {
    const urn = await system.deploy('ordered');
    await oneAtOnce(urn);
    const first = await invoke(urn, { gate: 'first' });
    await system.record(urn, first, ({ status }) => status === 'RUNNING');
    const second = await invoke(urn, { gate: 'second' });
    const seen: string[] = [];
    const readStatus = async (): Promise<string> => {
      const { invocations } = await list({ request_id: second, limit: otherLimit() }, urn);
      expect(invocations).toHaveLength(1);
      const [{ status }] = invocations;
      if (seen.at(-1) !== status) seen.push(status);
      return status;
    };
    expect(await readStatus()).toBe('WAIT');
    system.openGate('first');
    await until('it runs', async () => ((await readStatus()) === 'RUNNING' ? true : undefined));
    system.openGate('second');
    await until('it succeeds', async () => ((await readStatus()) === 'SUCCESS' ? true : undefined));
    expect(seen).toEqual(['WAIT', 'RUNNING', 'SUCCESS']);
    const [record] = (await list({ request_id: second }, urn)).invocations;
    expect(record).toEqual({
      request_id: second,
      status: 'SUCCESS',
      error_code: 0,
      error_message: '',
      start_time: expect.stringMatching(TIME),
      end_time: expect.stringMatching(TIME),
    });
  });

  test.for<[string, string, string, number]>([
    ['throws', "exports.handler = async () => { throw new Error('no stock'); };", 'function invocation exception', 4002],
    ['has no such export', 'exports.other = () => 1;', 'handler', 4001],
    ['exits', 'exports.handler = async () => process.exit(3);', 'function process', 4204],
    ['takes too long', 'exports.handler = () => new Promise(() => {});', 'timed out', 4010],
    ['cannot be loaded', "throw new Error('broken');", 'function initialization exception', 4201],
    [
      'takes too much memory',
      "exports.handler = async () => { const all = []; for (;;) all.push('x'.repeat(1e6) + Math.random()); };",
      'memory limit exceeded',
      4205,
    ],
  ])('row 18: of a function that %s is FAIL with a code and a message', async ([what, code, message, error_code]) => {
    const urn = await system.deploy(`fails-${error_code}`, { code, timeout: what === 'takes too long' ? 3 : 30 });
    const record = await system.record(urn, await invoke(urn, { what }), over);
    expect(record).toMatchObject({ status: 'FAIL', error_code, error_message: expect.stringContaining(message) });
  });

  test('row 19: is found by its id alone, and an unknown id finds nothing', async () => {
    const id = await invoke(test1, {});
    expect(ids(await list({ request_id: id }))).toEqual([id]);
    expect(await list({ request_id: '00000000-0000-4000-8000-000000000000' })).toMatchObject({
      httpStatusCode: 200,
      invocations: [],
      count: 0,
      next_marker: 0,
    });
    const { invocations } = await list({ request_id: id }, await system.deploy('neighbour'));
    expect(invocations).toEqual([]);
  });

  test('row 19: is listed by status and by time, in UTC and without a zone', async () => {
    const urn = await system.deploy('listed');
    const good = await invoke(urn, {});
    const bad = await invoke(urn, { throws: 'bad' });
    await system.record(urn, good, over);
    await system.record(urn, bad, over);
    expect(ids(await list({}, urn))).toEqual([bad, good]);
    expect(ids(await list({ status: 'SUCCESS' }, urn))).toEqual([good]);
    expect(ids(await list({ status: 'FAIL' }, urn))).toEqual([bad]);
    for (const status of ['WAIT', 'RUNNING', 'DISCARD']) expect(ids(await list({ status }, urn))).toEqual([]);
    for (const status of ['success', 'DONE']) expect(await refusalOf(list({ status }, urn))).toMatchObject({ httpStatusCode: 400 });
    const at = (offsetInMs: number): string => new Date(Date.now() + offsetInMs).toISOString().slice(0, 19);
    const hour = 3_600_000;
    expect(await list({ query_begin_time: at(-hour), query_end_time: at(hour) }, urn)).toMatchObject({ count: 2 });
    expect(await list({ query_begin_time: at(-2 * hour), query_end_time: at(-hour) }, urn)).toMatchObject({ count: 0, invocations: [] });
    expect(await list({ query_begin_time: at(hour) }, urn)).toMatchObject({ count: 0 });
    const refused = [{ query_begin_time: '2026-02-30T00:00:00' }, { query_end_time: `${at(0)}Z` }, { query_begin_time: 'yesterday' }];
    for (const query of [...refused, { query_begin_time: at(hour), query_end_time: at(-hour) }])
      expect(await refusalOf(list(query, urn))).toMatchObject({ httpStatusCode: 400 });
  });

  test('row 19: is listed exactly once by next_marker, even while other invocations arrive', async () => {
    const urn = await system.deploy('walked');
    const known = await Promise.all(Array.from({ length: 23 }, (_, n) => invoke(urn, { n })));
    const walked: string[] = [];
    let marker = '0';
    do {
      const page = await list({ limit: '5', marker }, urn);
      walked.push(...ids(page));
      marker = String(page.next_marker);
      await invoke(urn, { late: true });
    } while (marker !== '0');
    expect(walked).toHaveLength(known.length);
    expect(new Set(walked)).toEqual(new Set(known));
    const all = ids(await list({}, urn));
    expect(ids(await list({ limit: '4', marker: '6' }, urn))).toEqual(all.slice(6, 10));
    expect(await list({ marker: '40000' }, urn)).toMatchObject({ invocations: [], next_marker: 0 });
    expect(ids(await list({ limit: '501' }, urn))).toEqual(all);
    for (const query of [{ limit: '-1' }, { limit: 'ten' }, { marker: '-1' }])
      expect(await refusalOf(list(query, urn))).toMatchObject({ httpStatusCode: 400 });
  });

  test('row 20: is in the active list until its outcome, or if it is queried by its id or status', async () => {
    const urn = await system.deploy('active');
    const done = await invoke(urn, {});
    await system.record(urn, done, over);
    const running = await invoke(urn, { gate: 'active' });
    await system.record(urn, running, ({ status }) => status === 'RUNNING');
    expect(ids(await listActive({}, urn))).toEqual([running]);
    expect(ids(await listActive({ status: 'SUCCESS' }, urn))).toEqual([done]);
    expect(ids(await listActive({ requests: `${running},${done},00000000-0000-4000-8000-000000000000` }, urn))).toEqual([running, done]);
    const many = Array.from({ length: 11 }, (_, n) => `r${n}`).join(',');
    expect(await refusalOf(listActive({ requests: many }, urn))).toMatchObject({ httpStatusCode: 400 });
    expect(ids(await listActive({ requests: many.replace('r10', '').replace(/,$/, '') }, urn))).toEqual([]);
    system.openGate('active');
    await system.record(urn, running, over);
    expect(ids(await listActive({}, urn))).toEqual([]);
  });
});

describe('cancelling', () => {
  test('row 21: ends a running invocation with 4208, and nothing runs again', async () => {
    const urn = await system.deploy('cancelled', { config: { max_async_retry_attempts: 3 } });
    const id = await invoke(urn, { gate: 'never' });
    const neighbour = await invoke(urn, { gate: 'neighbour' });
    await until('both run', () => system.effects('cancelled').length === 2 || undefined);
    const reply = await cancel(urn, { request_id: id, type: 'force' });
    expect(reply).toEqual({ httpStatusCode: 200 });
    const record = await system.record(urn, id, over);
    expect(record).toMatchObject({
      status: 'FAIL',
      error_code: 4208,
      error_message: expect.stringContaining('function invocation canceled'),
    });
    system.openGate('neighbour');
    expect(await system.record(urn, neighbour, over)).toMatchObject({ status: 'SUCCESS' });
    // Every invocation of the function is finished after exactly one run.
    expect(ids(await listActive({}, urn))).toEqual([]);
    expect(system.effects('cancelled')).toHaveLength(2);
    expect(await refusalOf(cancel(urn, { request_id: id }))).toMatchObject({ httpStatusCode: 400, errorCode: 'FSS.0400' });
  });

  test('row 21: ends a waiting invocation before it ever runs', async () => {
    const urn = await system.deploy('queued');
    await oneAtOnce(urn);
    const first = await invoke(urn, { gate: 'queue' });
    await system.record(urn, first, ({ status }) => status === 'RUNNING');
    const waiting = await invoke(urn, {});
    await cancel(urn, { request_id: waiting, type: 'recursive' });
    expect(await system.record(urn, waiting, over)).toMatchObject({ status: 'FAIL', error_code: 4208 });
    system.openGate('queue');
    await system.record(urn, first, over);
    const last = await invoke(urn, {});
    await system.record(urn, last, over);
    expect(system.effects('queued').map(({ request }) => request)).toEqual([first, last]);
  });

  test.for<[string, object]>([
    ['an unknown id', { request_id: '00000000-0000-4000-8000-000000000000' }],
    ['no id', {}],
    ['an invalid id', { request_id: 'a b' }],
    ['an unknown type', { request_id: '00000000-0000-4000-8000-000000000000', type: 'softly' }],
  ])('row 21: is refused with 400 for %s', async ([, body]) => {
    expect(await refusalOf(cancel(test1, body))).toMatchObject({ httpStatusCode: 400, errorCode: 'FSS.0400' });
  });

  test('row 21: ends no invocation of another function', async () => {
    const urn = await system.deploy('elsewhere');
    const id = await invoke(urn, { gate: 'elsewhere' });
    expect(await refusalOf(cancel(test1, { request_id: id }))).toMatchObject({ httpStatusCode: 400 });
    expect(await refusalOf(cancel(test1.replace('test1', 'nobody'), { request_id: id }))).toMatchObject({ httpStatusCode: 404 });
    system.openGate('elsewhere');
    expect(await system.record(urn, id, over)).toMatchObject({ status: 'SUCCESS' });
  });
});

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/;
