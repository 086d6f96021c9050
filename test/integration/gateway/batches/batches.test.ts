import { describe, expect } from 'vitest';
import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { type BatchLine, openBatchCall } from '#test/support/gateway/batch-call.ts';
import { KEYS, type RunningSequent, STRANGER, startSequent, TOKEN } from '#test/support/gateway/running-gateway.ts';
import { sdkDate, sign } from '#test/support/gateway/signer.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let sequent: RunningSequent;
const file = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const WITHIN = { timeout: 30_000 };

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  await define('greet');
});

async function define(name: string): Promise<void> {
  const handler = { kind: 'process', file, export: 'greet' };
  expect((await sequent.call('PUT', `/api/functions/${name}`, { body: { handler } })).status).toBe(200);
}

/** Defines a function that is paused, so that its invocations stay queued. */
async function definePaused(name: string): Promise<void> {
  await define(name);
  expect((await sequent.call('POST', `/api/functions/${name}/pause`, { body: {} })).status).toBe(200);
}

const pathOf = (name: string, query = ''): string => `/api/functions/${name}/batches${query}`;
const linesOf = (count: number): string => Array.from({ length: count }, (_, index) => `{"name":"n${index + 1}"}\n`).join('');

async function post(path: string, body: string, headers: Record<string, string> = {}): Promise<BatchLine[]> {
  const response = await sequent.call('POST', path, { body, headers });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
  const text = await response.text();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as BatchLine);
}

/** The number of invocations of a function once the read model has everything that was accepted before this call. */
async function countOf(name: string): Promise<number> {
  const marker = `marker-${name}`;
  const accepted = await sequent.call('POST', '/api/functions/greet/invocations', { body: {}, headers: { 'idempotency-key': marker } });
  expect(accepted.status).toBe(202);
  await expect.poll(async () => (await sequent.call('GET', '/api/invocations?function=greet&limit=500')).text(), WITHIN).toContain(marker);
  const counts = await (await sequent.call('GET', `/api/invocations/counts?function=${name}`)).json();
  return Object.values((counts as { by_state: Record<string, number> }).by_state).reduce((sum, count) => sum + count, 0);
}

describe('a batch over HTTP', () => {
  test('is answered while its lines still arrive, each line starts one invocation, and the last line counts', async () => {
    const call = openBatchCall(sequent.url + pathOf('greet', '?ids'), { 'x-auth-token': TOKEN });
    call.write('{"name":"Ada"}\n{"name":');
    const early = await call.linesUntil(({ type }) => type === 'accepted');
    expect([await call.status(), early]).toEqual([200, [expect.objectContaining({ type: 'accepted', first: 1, last: 1, accepted: 1 })]]);
    call.end('"Eve"}\n\n{"name":"Bob"}');
    const late = await call.linesUntil();
    expect(late.at(-1)).toEqual({ type: 'end', batch: expect.any(String), accepted: 3, repeated: 0, refused: 0, unanswered: 0 });
    const invocations = [...early, ...late].flatMap((line) => line.invocations ?? []);
    expect(invocations.map(({ line }) => line)).toEqual([1, 2, 4]);
    const results = await Promise.all(
      invocations.map(async ({ request_id }) =>
        (await sequent.call('GET', `/api/invocations/${request_id}`, { headers: { prefer: 'wait=30' } })).json(),
      ),
    );
    expect(results.map((one) => (one as { result: { payload: string } }).result.payload)).toEqual([
      '"hello Ada"',
      '"hello Eve"',
      '"hello Bob"',
    ]);
  });

  test('accepts nothing new when it is repeated with its key, by the header or the query', async () => {
    await definePaused('repeated');
    const first = await post(pathOf('repeated'), linesOf(300), { 'idempotency-key': 'import-7' });
    expect(first.at(-1)).toMatchObject({ accepted: 300, repeated: 0 });
    const again = await post(pathOf('repeated', '?key=import-7&ids'), linesOf(300));
    expect(again.at(-1)).toMatchObject({ accepted: 0, repeated: 300, refused: 0 });
    expect(again.flatMap((line) => line.invocations ?? []).at(-1)).toEqual({ line: 300, request_id: 'import-7-300' });
    const changed = await post(pathOf('repeated', '?key=import-7'), linesOf(2).replace('n2', 'other'));
    // Lines that are settled at the same time are reported together, so the order of the first two depends on the time.
    expect(changed).toHaveLength(3);
    expect(changed).toContainEqual({ type: 'refused', line: 2, detail: 'the key import-7-2 was used before, with another event' });
    expect(changed).toContainEqual({ type: 'accepted', first: 1, last: 1, accepted: 0, repeated: 1 });
    expect(changed.at(-1)).toEqual({ type: 'end', batch: 'import-7', accepted: 0, repeated: 1, refused: 1, unanswered: 0 });
    expect(await countOf('repeated')).toBe(300);
  });

  test('ends with each line exactly once when its caller aborts it in the middle and repeats it with the key', async () => {
    await definePaused('aborted');
    const [half, whole] = [linesOf(1_000), linesOf(2_000)];
    const call = openBatchCall(sequent.url + pathOf('aborted', '?key=cut'), { 'x-auth-token': TOKEN });
    call.write(half);
    expect((await call.linesUntil(({ type }) => type === 'accepted')).length).toBeGreaterThan(0);
    call.abort();
    const end = (await post(pathOf('aborted', '?key=cut'), whole)).at(-1);
    expect(end).toMatchObject({ type: 'end', refused: 0, unanswered: 0 });
    expect([(end?.accepted ?? 0) + (end?.repeated ?? 0), end?.repeated ?? 0]).toEqual([2_000, expect.toSatisfy((count) => count > 0)]);
    expect(await countOf('aborted')).toBe(2_000);
  });

  test('reports wrong lines by their numbers, and accepts the others', async () => {
    await definePaused('mixed');
    const deep = '['.repeat(1_001) + ']'.repeat(1_001);
    const body = ['{"n":1}', '{oops', '', `"${'x'.repeat(MAX_PAYLOAD_BYTES)}"`, deep, '{"n":6}'].join('\n');
    const lines = await post(pathOf('mixed'), body);
    expect(lines.filter(({ type }) => type === 'refused').map(({ line, detail }) => [line, detail])).toEqual([
      [2, expect.stringMatching(/^the payload is not JSON: /)],
      [4, `the payload has more than ${MAX_PAYLOAD_BYTES} bytes`],
      [5, 'the payload nests deeper than 1000 levels'],
    ]);
    expect(lines.at(-1)).toEqual({ type: 'end', batch: expect.any(String), accepted: 2, repeated: 0, refused: 3, unanswered: 0 });
    expect(await countOf('mixed')).toBe(2);
  });

  test('is refused at its line 100001, and keeps the lines before it', async () => {
    await definePaused('long');
    const lines = await post(pathOf('long'), `1\n${'\n'.repeat(99_998)}2\n3\n4\n`);
    expect(lines.at(-1)).toMatchObject({
      type: 'end',
      accepted: 2,
      problem: {
        status: 400,
        detail: 'line 100001 is not accepted: a batch has at most 100000 lines; send the line and those after it as another batch',
      },
    });
    expect(await countOf('long')).toBe(2);
  });

  test('is delayed as a whole by the header of one request', async () => {
    const lines = await post(pathOf('greet', '?ids'), '{}\n{}\n', { 'deliver-at': '+30d' });
    const due = `/api/invocations?function=greet&state=queued&due_before=${Date.now() + 31 * 86_400_000}`;
    for (const { request_id } of lines.flatMap((line) => line.invocations ?? []))
      await expect.poll(async () => (await sequent.call('GET', due)).text(), WITHIN).toContain(request_id);
  });

  test('may be signed, and its keys are those of the project', async () => {
    const body = '{"name":"signed"}\n';
    const path = pathOf('repeated');
    const headers = {
      'content-type': 'application/x-ndjson',
      host: new URL(sequent.url).host,
      'idempotency-key': 'signed',
      'x-sdk-date': sdkDate(Date.now()),
    };
    const signed = { ...headers, authorization: sign({ method: 'POST', path, headers, body }, KEYS) };
    const call = openBatchCall(sequent.url + path, signed);
    call.end(body);
    expect((await call.linesUntil()).at(-1)).toMatchObject({ type: 'end', accepted: 1 });
    const other = openBatchCall(sequent.url + path, { ...signed, authorization: signed.authorization.slice(0, -1) });
    other.end(body);
    expect(await other.status()).toBe(401);
    const strange = openBatchCall(sequent.url + path, { 'x-auth-token': STRANGER.token, 'idempotency-key': 'signed' });
    strange.end(body);
    expect(await strange.status()).toBe(404);
  });
});
