import { describe, expect } from 'vitest';
import type { InvocationRow, InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let sequent: RunningSequent;
const file = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const DAY = 86_400_000;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  const handler = { kind: 'process', file, export: 'greet' };
  expect((await sequent.call('PUT', '/api/functions/greet', { body: { handler } })).status).toBe(200);
  await eventually(async () => (await sequent.call('GET', '/api/invocations')).status === 200);
});

const post = (query: string, headers: Record<string, string> = {}): Promise<Response> =>
  sequent.call('POST', `/api/functions/greet/invocations?${query}`, { body: {}, headers });

async function accepted(response: Response): Promise<string> {
  expect(response.status).toBe(202);
  return ((await response.json()) as { request_id: string }).request_id;
}

const ended = async (id: string): Promise<InvocationView> =>
  (await (await sequent.call('GET', `/api/invocations/${id}`, { headers: { prefer: 'wait=30' } })).json()) as InvocationView;

async function list(query: string): Promise<InvocationRow[]> {
  const { invocations } = (await (await sequent.call('GET', `/api/invocations?${query}`)).json()) as { invocations: InvocationRow[] };
  return invocations;
}

describe('a delayed request over HTTP', () => {
  test('starts when it is due, and not earlier: by a header, and by each of two parameters', async () => {
    const ids = await Promise.all([
      post('', { 'deliver-at': '+1s' }).then(accepted),
      post('delay=1s').then(accepted),
      post(`deliver_at=${Date.now() + 6_000}`).then(accepted),
    ]);
    for (const view of await Promise.all(ids.map(ended))) {
      expect(view).toMatchObject({ status: 'SUCCESS', attempts: 1 });
      expect(view.first_due_at).toBeGreaterThan(view.accepted_at);
      expect(view.started_at).toBeGreaterThanOrEqual(view.first_due_at ?? Number.NaN);
    }
  });

  test('is listed by its due time, and explained, until it is cancelled', async () => {
    const id = await accepted(await post('delay=30d'));
    const dueWithin = (days: number): Promise<InvocationRow[]> => list(`state=queued&due_before=${Date.now() + days * DAY}`);
    await eventually(async () => (await dueWithin(31)).length === 1);
    const [row] = await dueWithin(31);
    expect(row).toMatchObject({ request_id: id, state: 'queued', next_due_at: row?.first_due_at });
    expect((row?.first_due_at ?? 0) - (row?.accepted_at ?? 0)).toBe(30 * DAY);
    expect(await dueWithin(29)).toEqual([]);
    expect(await list('due_before=9999999999999')).toMatchObject([{ request_id: id }]);
    const explained = await (await sequent.call('GET', `/api/invocations/${id}/explain`)).text();
    expect(explained).toMatch(/It waits until 20.*: its first attempt is due in (30|29) d/);
    expect((await sequent.call('POST', `/api/invocations/${id}/cancel`, { body: {} })).status).toBe(202);
    expect(await ended(id)).toMatchObject({ condition: 'InvocationCanceled', attempts: 0, duration_ms: 0 });
    await eventually(async () => (await dueWithin(31)).length === 0);
  });

  test.for([
    ['deliver_at=tomorrow', /must be a time with its zone/],
    ['delay=400d', /at most 366 days ahead/],
    ['delay=1s&deliver_at=2026-12-24T08:00:00Z', /cannot be given together/],
  ] as const)('with ?%s is refused before it is accepted', async ([query, problem]) => {
    const response = await post(query);
    expect([response.status, await response.text()]).toEqual([400, expect.stringMatching(problem)]);
  });

  test('is repeated by its key and the same delay, and refused with 422 for another one', async () => {
    const key = { 'idempotency-key': 'later-7' };
    expect(await accepted(await post('delay=1d', key))).toBe('later-7');
    const again = await post('delay=24h', key);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    const other = await post('delay=2d', key);
    expect([other.status, await other.text()]).toEqual([422, expect.stringContaining('with another due time')]);
  });
});
