import { expect, test } from 'vitest';
import type { PoolView } from '#src/gateway/api/functions/flow-schemas.ts';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { startSequent } from '#test/support/gateway/running-gateway.ts';

const file = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file, export: 'greet' };
const WAITING = { timeout: 30_000, interval: 100 };

test('debounced requests are found while they wait, and name their leader afterwards', { timeout: 120_000 }, async () => {
  await using sequent = await startSequent({ with: ['projection'] });
  const put = (wait: string, headers = {}) =>
    sequent.call('PUT', '/api/functions/gathers', {
      body: { handler, flow: { key: '$.key', debounce: { wait, keep: 'all' } } },
      headers,
    });
  expect((await put('1h')).status).toBe(200);
  const invoke = async (): Promise<string> => {
    const answer = await sequent.call('POST', '/api/functions/gathers/invocations', { body: { key: 'a' } });
    return ((await answer.json()) as { request_id: string }).request_id;
  };
  const [member, leader] = [await invoke(), await invoke()];
  const read = async <Answer>(path: string): Promise<Answer> => (await (await sequent.call('GET', path)).json()) as Answer;

  const listed = async (): Promise<string[]> => {
    const { invocations } = await read<{ invocations: InvocationView[] }>('/api/invocations?waits_for=gathers');
    return invocations.map(({ request_id: id }) => id).sort();
  };
  await expect.poll(listed, WAITING).toEqual([member, leader].sort());
  await expect
    .poll(async () => (await read<{ pools: PoolView[] }>('/api/flow?name=gathers')).pools, WAITING)
    .toMatchObject([{ pool: 'gathers', waiting: 2, keys: [{ key: 'a', running: 0, waiting: 2 }] }]);
  const explained = async (): Promise<string> => await (await sequent.call('GET', `/api/invocations/${member}/explain`)).text();
  await expect.poll(explained, WAITING).toContain('2 requests wait so far.');
  const metrics = async (): Promise<string> => await (await sequent.call('GET', '/metrics')).text();
  await expect.poll(metrics, WAITING).toContain('sequent_flow_waiting{pool="gathers",function="gathers"} 2');

  // Both requests are of one group as long as the second one came within the new wait after the first one.
  expect((await put('10s', { 'if-match': '*' })).status).toBe(200);
  await expect.poll(async () => (await read<InvocationView>(`/api/invocations/${member}`)).state, WAITING).toBe('notified');
  expect((await read<InvocationView>(`/api/invocations/${member}`)).leader).toBe(leader);
  const { members, leader: other } = await read<InvocationView>(`/api/invocations/${leader}`);
  expect({ members, other }).toEqual({ members: 1, other: undefined });
});
