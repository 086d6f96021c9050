import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { routeRules as rolesOfRoutes } from '#src/gateway/auth/route-rules.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { PROJECT, type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { MINE, routeRules } from '#test/support/matrix/route-rules.ts';
import { OWN } from '#test/support/matrix/victims.ts';

/** The promise. The rest is for a busy machine. */
const ANSWERS_WITHIN_MS = 10_000;
const MACHINE_MS = 2_000;

type Sent = { route: string; method: string; path: string; headers: Record<string, string>; body?: unknown };
type Answered = { route: string; status: number; ms: number; retryAfter: string | null; text: string };

/** A request for each route behind the authentication, with a body that its rule of the matrix of projects knows. */
const requests: Sent[] = Object.keys(rolesOfRoutes).map((route) => {
  const [method = '', pattern = ''] = route.split(' ');
  const rule = routeRules[route];
  const values: Record<string, string> = { project: PROJECT, id: MINE.id, alias: MINE.alias, event: 'first', version: 'v1' };
  const path = pattern.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? (name === 'destination' ? 'http-0' : MINE.function));
  const query = new URLSearchParams(rule?.needs ?? {}).toString();
  const body = method === 'GET' ? undefined : (rule?.bodies?.(MINE.function, OWN)[0] ?? {});
  return { route, method, path: query === '' ? path : `${path}?${query}`, headers: { 'if-match': '*' }, body };
});
const invocations: Sent[] = [
  ['the own API', `/api/functions/${MINE.function}/invocations`, {}],
  ['the own API with a key', `/api/functions/${MINE.function}/invocations`, { 'idempotency-key': 'outage-1' }],
  ['the own API that waits', `/api/functions/${MINE.function}/invocations`, { prefer: 'wait=60' }],
  ["the vendor's API", `/v2/${PROJECT}/fgs/functions/${MINE.function}/invocations-async`, {}],
  ["the vendor's API with a key", `/v2/${PROJECT}/fgs/functions/${MINE.function}/invocations-async`, { 'idempotency-key': 'outage-2' }],
  ["the vendor's API synchronously", `/v2/${PROJECT}/fgs/functions/${MINE.function}/invocations`, {}],
].map(([route, path, headers]) => ({ route, method: 'POST', path, headers, body: {} })) as Sent[];

async function send({ call }: RunningSequent, { route, method, path, headers, body }: Sent): Promise<Answered> {
  const startedAt = performance.now();
  const ending = new AbortController();
  const response = await call(method, path, { headers, signal: ending.signal, ...(body === undefined ? {} : { body }) });
  const ms = performance.now() - startedAt;
  // An event stream has no end, and its head is its answer.
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = isStream ? '' : await response.text();
  ending.abort();
  return { route, status: response.status, ms, retryAfter: response.headers.get('retry-after'), text };
}

const isFine = ({ status }: Answered): boolean => status < 500 || status === 501;

let sequent: RunningSequent;
let readable: Sent[];

/** What the requests of an outage deleted, such as the function, is there again. */
async function isRestored(): Promise<string[]> {
  await sequent.call('PUT', `/api/functions/${MINE.function}`, { body: { handler: { kind: 'subject', subject: 'fn.mine' } } });
  const answers = await Promise.all(readable.map((request) => send(sequent, request)));
  return answers.filter(({ status }) => status !== 200).map(({ route, status }) => `${route} ${status}`);
}

async function readAll(): Promise<Answered[]> {
  return await Promise.all(requests.filter(({ method }) => method === 'GET').map((request) => send(sequent, request)));
}

beforeAll(async () => {
  sequent = await startSequent({ with: ['projection'] });
  await sequent.call('PUT', `/api/functions/${MINE.function}`, { body: { handler: { kind: 'subject', subject: 'fn.mine' } } });
  await send(sequent, { ...(invocations[1] as Sent), headers: { 'idempotency-key': MINE.id } });
  await eventually(async () => (await sequent.call('GET', `/api/invocations/${MINE.id}`)).status === 200);
  const answered = await readAll();
  readable = requests.filter(({ route }) => answered.some((one) => one.route === route && one.status === 200));
  expect(readable.length).toBeGreaterThan(25);
});
afterAll(() => sequent[Symbol.asyncDispose]());

describe.each([
  ['holds its connections and answers nothing', () => sequent.server.pause(), () => sequent.server.resume()],
  ['was killed', () => sequent.server.kill(), () => sequent.server.restart()],
] as [string, () => unknown, () => unknown][])('while a nats-server %s', (_, begin, end) => {
  test('every route answers within ten seconds, and says what is unknown, and answers as before afterwards', {
    timeout: 120_000,
  }, async () => {
    await begin();
    const answers = await Promise.all([...requests, ...invocations].map((request) => send(sequent, request)));
    await end();
    process.stdout.write(
      `slowest: ${JSON.stringify(
        answers
          .toSorted((a, b) => b.ms - a.ms)
          .slice(0, 5)
          .map(({ route, status, ms }) => [route, status, Math.round(ms)]),
      )}\n`,
    );
    expect(answers.filter(({ ms }) => ms > ANSWERS_WITHIN_MS + MACHINE_MS)).toEqual([]);
    const failed = answers.filter((answer) => !isFine(answer));
    expect(failed.length).toBeGreaterThan(20);
    // An error of the gateway itself would be 500, and a caller would not know that a repetition may succeed.
    expect(failed.filter(({ status, retryAfter }) => ![503, 504].includes(status) || retryAfter === null)).toEqual([]);
    for (const { route, status } of failed.filter(({ status }) => status === 504))
      expect(route.startsWith('GET') || route === 'POST /api/sql' ? `${route} ${status}` : '').toBe('');
    // No accepted request is called refused: only one that was not sent may be repeated without its key.
    for (const { route } of invocations) {
      const found = answers.find((answer) => answer.route === route);
      expect(`${route}: ${found?.text}`).toMatch(/unknown|nothing was accepted/);
    }
    await expect.poll(isRestored, { timeout: 30_000 }).toEqual([]);
  });
});
