import { expect, test } from 'vitest';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { BulkView } from '#src/gateway/api/repair/repair-schemas.ts';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { runCliOn } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/gateway/running-gateway.ts';

const file = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;
const WAITING = { timeout: 30_000, interval: 100 };
const LONG = 900_000;

const flows = {
  slotted: { concurrency: 1, key: '$.key' },
  metered: { rate: { limit: 1, per: '1h' }, key: '$.key' },
  gathers: { debounce: { wait: '1h', keep: 'all' }, key: '$.key' },
};

test('invocations are found by what they wait for, and by their priority', { timeout: 120_000 }, async () => {
  await using sequent = await startSequent({ with: ['projection'] });
  const read = async <Answer>(path: string): Promise<Answer> => (await (await sequent.call('GET', path)).json()) as Answer;
  for (const [name, flow] of Object.entries(flows)) {
    const handler = { kind: 'process', file, export: 'sleep' };
    expect((await sequent.call('PUT', `/api/functions/${name}`, { body: { handler, flow, timeoutInMs: LONG } })).status).toBe(200);
  }
  const invoke = async (name: string, priority: number): Promise<string> => {
    const body = { key: 'a', ms: LONG };
    const answer = await sequent.call('POST', `/api/functions/${name}/invocations?priority=${priority}`, { body });
    return ((await answer.json()) as { request_id: string }).request_id;
  };
  // The first request of a function with a limit starts, and the second one waits.
  const isRunning = async (id: string): Promise<string> => (await read<InvocationView>(`/api/invocations/${id}`)).state;
  for (const name of ['slotted', 'metered']) {
    const first = await invoke(name, 3);
    await expect.poll(() => isRunning(first), WAITING).toBe('running');
  }
  const waiting = { slot: await invoke('slotted', 4), rate: await invoke('metered', 9), debounce: await invoke('gathers', 9) };
  const listed = async (query: string): Promise<string[]> => {
    const { invocations } = await read<{ invocations: InvocationView[] }>(`/api/invocations?${query}`);
    return invocations.map(({ request_id: id }) => id).sort();
  };
  await expect.poll(() => listed('flow_key=a'), WAITING).toEqual(Object.values(waiting).sort());

  for (const [kind, id] of Object.entries(waiting)) {
    expect(await listed(`wait_kind=${kind}`), kind).toEqual([id]);
    expect(await read(`/api/invocations/counts?wait_kind=${kind}`)).toMatchObject({ by_state: { queued: 1 } });
    expect(await read(`/api/invocations/${id}`)).toMatchObject({ waits_for: { key: 'a', kind } });
  }
  expect(await listed('wait_kind=slot,rate')).toEqual([waiting.slot, waiting.rate].sort());
  expect(await listed('waits_for=gathers&wait_kind=slot')).toEqual([]);
  expect(await listed('priority=9')).toEqual([waiting.rate, waiting.debounce].sort());
  expect(await listed('priority=9&wait_kind=rate')).toEqual([waiting.rate]);
  expect(await listed('priority=4')).toEqual([waiting.slot]);
  for (const query of ['wait_kind=turn', 'priority=10', 'priority=high'])
    expect((await sequent.call('GET', `/api/invocations?${query}`)).status, query).toBe(400);

  const cancel = async (filter: object): Promise<BulkView> => {
    const answer = await sequent.call('POST', '/api/cancel', { body: { filter, dry_run: true } });
    return (await answer.json()) as BulkView;
  };
  expect((await cancel({ wait_kind: ['debounce'] })).matched).toBe(1);
  expect((await cancel({ priority: 9 })).matched).toBe(2);

  const ls = async (...args: string[]): Promise<string> => (await runCliOn(sequent.server.url, ['ls', ...args])).stdout;
  expect((await ls('--wait-kind', 'rate', '-o', 'name')).trim()).toBe(waiting.rate);
  expect((await ls('--priority', '4', '-o', 'name')).trim()).toBe(waiting.slot);
  const table = await ls('--flow-key', 'a');
  for (const text of [
    'waits for a slot of slotted, key a',
    'waits for the rate of metered, key a',
    'waits for the debounce of gathers, key a',
  ])
    expect(table).toContain(text);
});

test('the page System names a rate that is used also when no request is left in the queue', { timeout: 120_000 }, async () => {
  await using sequent = await startSequent({ with: ['projection'] });
  const handler = { kind: 'process', file, export: 'sleep' };
  const flow = { rate: { limit: 1, per: '1h' } };
  expect((await sequent.call('PUT', '/api/functions/metered', { body: { handler, flow } })).status).toBe(200);
  for (let index = 0; index < 3; index++) await sequent.call('POST', '/api/functions/metered/invocations', { body: { ms: 1 } });
  const system = async (): Promise<SystemView> => (await (await sequent.call('GET', '/api/system')).json()) as SystemView;
  // Requests that wait for the rate leave the queue and wait in the log.
  const inQueue = async (): Promise<number[]> =>
    (await system()).lags.filter(({ role }) => role === 'worker').map(({ waiting, at_work }) => waiting + at_work);
  await expect.poll(inQueue, WAITING).toEqual([0]);
  const wait = { function: 'metered', kind: 'rate-used', waiting: 2 };
  await expect.poll(async () => (await system()).waits, WAITING).toEqual([expect.objectContaining(wait)]);
});
