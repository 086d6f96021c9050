import { describe, expect } from 'vitest';
import { openBatchCall } from '#test/support/gateway/batch-call.ts';
import { PROJECT, type RunningSequent, STRANGER, startSequent, TOKEN } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
const file = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const WITHIN = { timeout: 30_000 };
let sequent: RunningSequent;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  const body = { handler: { kind: 'process', file, export: 'greet' } };
  for (const name of ['greet', 'later', 'told']) expect((await sequent.call('PUT', `/api/functions/${name}`, { body })).status).toBe(200);
});

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const json = async (method: string, path: string, body?: object): Promise<Record<string, unknown>> =>
  (await (await sequent.call(method, path, body === undefined ? {} : { body })).json()) as Record<string, unknown>;

/** Sends lines, and returns the path of the batch. */
async function send(name: string, query: string, count: number): Promise<string> {
  const body = Array.from({ length: count }, (_, index) => `{"name":"n${index + 1}"}\n`).join('');
  const response = await sequent.call('POST', `/api/functions/${name}/batches${query}`, { body });
  expect([response.status, linesOf(await response.text()).at(-1)]).toEqual([200, expect.objectContaining({ type: 'end', refused: 0 })]);
  return response.headers.get('location') ?? '';
}

describe('the members of a batch over HTTP', () => {
  test('are counted once when the batch is repeated, and their results are JSON lines', async () => {
    const path = await send('greet', '?key=whole', 40);
    expect(await send('greet', '?key=whole', 40)).toBe(path);
    await expect
      .poll(async () => await json('GET', path), WITHIN)
      .toMatchObject({ id: 'whole', function: 'greet', members: 40, by_status: { SUCCESS: 40 } });
    const results = linesOf(await (await sequent.call('GET', `${path}/results`)).text());
    expect(results).toHaveLength(40);
    expect(results).toContainEqual({ request_id: 'whole-7', state: 'notified', status: 'SUCCESS', response: '"hello n7"' });
    expect(await json('GET', '/api/batches?function=greet')).toMatchObject({ batches: [{ id: 'whole', members: 40 }] });
    expect(await json('GET', '/api/invocations?batch=whole&status=FAIL')).toEqual({ invocations: [] });
  });

  test('are told of once they all have an outcome, as the event of a function', async () => {
    const urn = `urn:fss:local:${PROJECT}:function:default:told`;
    const onComplete = encodeURIComponent(JSON.stringify([{ destination: 'FunctionGraph', param: { func_urn: urn } }]));
    const path = await send('greet', `?key=fan-in&on_complete=${onComplete}`, 12);
    await expect
      .poll(async () => await json('GET', path), WITHIN)
      .toMatchObject({ state: 'notified', members: 12, by_status: { SUCCESS: 12 } });
    const told = async () => (await json('GET', '/api/invocations?function=told&include=payload')).invocations as { request_id: string }[];
    await expect.poll(told, WITHIN).toHaveLength(1);
    const [{ request_id: id } = { request_id: '' }] = await told();
    const { request } = (await json('GET', `/api/invocations/${id}`)) as { request: { payload: string } };
    const { response_payload: counts } = JSON.parse(request.payload) as { response_payload: string };
    expect(JSON.parse(counts)).toMatchObject({
      batch: 'fan-in',
      function: 'greet',
      members: 12,
      counts: { SUCCESS: 12, FAIL: 0, DISCARD: 0 },
    });
    expect(await send('greet', `?key=fan-in`, 12)).toBe(path);
    expect(await told()).toHaveLength(1);
    const wrong = await sequent.call('POST', '/api/functions/greet/batches?on_complete=nowhere', { body: '{}' });
    expect(wrong.status).toBe(400);
  });

  test('are cancelled and redriven together, and a stranger does not find the batch', async () => {
    const path = await send('later', '?delay=30d', 7);
    for (const [method, one] of [
      ['GET', path],
      ['GET', `${path}/results`],
      ['POST', `${path}/cancel`],
      ['POST', `${path}/redrive`],
    ] as const) {
      const headers = { 'x-auth-token': STRANGER.token };
      expect((await sequent.call(method, one, { headers, ...(method === 'POST' ? { body: {} } : {}) })).status).toBe(404);
    }
    const cancelled = await json('POST', `${path}/cancel`, { reason: 'a test' });
    expect(cancelled).toMatchObject({ action: 'cancel', total: 7, reason: 'a test' });
    await expect.poll(async () => await json('GET', path), WITHIN).toMatchObject({ members: 7, by_status: { FAIL: 7 } });
    const redriven = await json('POST', `${path}/redrive`, {});
    expect(redriven).toMatchObject({ action: 'redrive', total: 7, batch: expect.any(String) });
    await expect
      .poll(async () => await json('GET', `/api/batches/${redriven.batch}`), WITHIN)
      .toMatchObject({ members: 7, by_status: { SUCCESS: 7 } });
  });

  test('never start when they are accepted after the cancellation of their batch, also of a sealed one', async () => {
    for (const [key, isSealed] of [
      ['halted', false],
      ['ended', true],
    ] as const) {
      const url = `${sequent.url}/api/functions/greet/batches?key=${key}`;
      const sending = openBatchCall(url, { 'x-auth-token': TOKEN });
      sending.write('{"name":"n1"}\n');
      await sending.linesUntil(({ type }) => type === 'accepted');
      if (isSealed) expect(await json('POST', `/api/batches/${key}/seal`, {})).toEqual({ sealed: true });
      expect(await json('POST', `/api/batches/${key}/cancel`, {})).toMatchObject({ action: 'cancel' });
      sending.end('{"name":"n2"}\n{"name":"n3"}\n');
      await sending.linesUntil(({ type }) => type === 'end');
      for (const line of [2, 3])
        await expect
          .poll(async () => await json('GET', `/api/invocations/${key}-${line}`), WITHIN)
          .toMatchObject({ state: 'notified', attempts: 0, condition: 'InvocationCanceled', batch: key });
      await expect.poll(async () => await json('GET', `/api/batches/${key}`), WITHIN).toMatchObject({ state: 'notified', members: 3 });
    }
  });
});
