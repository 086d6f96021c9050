import { expect } from 'vitest';
import { routeRules as rolesOfRoutes } from '#src/gateway/auth/route-rules.ts';
import { type Stalls, watchStalls } from '#test/support/cluster/stalls.ts';
import { MINE, routeRules } from '#test/support/matrix/route-rules.ts';
import { OWN } from '#test/support/matrix/victims.ts';
import { PROJECT, type ServedSequent } from './running-gateway.ts';

/** The promise of LATE1. The rest is for a busy machine. */
const ANSWERS_WITHIN_MS = 10_000;
const MACHINE_MS = 2_000;

export type Sent = { route: string; method: string; path: string; headers: Record<string, string>; body?: unknown };
export type Answered = { route: string; status: number; ms: number; retryAfter: string | null; text: string };

/** A request for each route behind the authentication, with a body that its rule of the matrix of projects knows. */
export const requests: Sent[] = Object.keys(rolesOfRoutes).map((route) => {
  const [method = '', pattern = ''] = route.split(' ');
  const rule = routeRules[route];
  const values: Record<string, string> = { project: PROJECT, id: MINE.id, alias: MINE.alias, event: 'first', version: 'v1' };
  const path = pattern.replaceAll(/:(\w+)/g, (_, name: string) => values[name] ?? (name === 'destination' ? 'http-0' : MINE.function));
  const query = new URLSearchParams(rule?.needs ?? {}).toString();
  const body = method === 'GET' ? undefined : (rule?.bodies?.(MINE.function, OWN)[0] ?? {});
  return { route, method, path: query === '' ? path : `${path}?${query}`, headers: { 'if-match': '*' }, body };
});
export const invocations: Sent[] = [
  ['the own API', `/api/functions/${MINE.function}/invocations`, {}],
  ['the own API with a key', `/api/functions/${MINE.function}/invocations`, { 'idempotency-key': 'outage-1' }],
  ['the own API that waits', `/api/functions/${MINE.function}/invocations`, { prefer: 'wait=60' }],
  ["the vendor's API", `/v2/${PROJECT}/fgs/functions/${MINE.function}/invocations-async`, {}],
  ["the vendor's API with a key", `/v2/${PROJECT}/fgs/functions/${MINE.function}/invocations-async`, { 'idempotency-key': 'outage-2' }],
  ["the vendor's API synchronously", `/v2/${PROJECT}/fgs/functions/${MINE.function}/invocations`, {}],
].map(([route, path, headers]) => ({ route, method: 'POST', path, headers, body: {} })) as Sent[];

/** `stalls`: the times in which this process, which has the gateway, did not run. They are no time of the answer. */
export async function send(
  { call }: Pick<ServedSequent, 'call'>,
  { route, method, path, headers, body }: Sent,
  stalls?: Stalls,
): Promise<Answered> {
  const startedAt = performance.now();
  const ending = new AbortController();
  const response = await call(method, path, { headers, signal: ending.signal, ...(body === undefined ? {} : { body }) });
  const answeredAt = performance.now();
  const ms = answeredAt - startedAt - (stalls?.between(startedAt, answeredAt) ?? 0);
  // An event stream has no end, and its head is its answer.
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = isStream ? '' : await response.text();
  ending.abort();
  return { route, status: response.status, ms, retryAfter: response.headers.get('retry-after'), text };
}

const isFine = ({ status }: Answered): boolean => status < 500 || status === 501;

/** Sends all requests at once, those that invoke included. */
export async function sendAll(sequent: Pick<ServedSequent, 'call'>): Promise<Answered[]> {
  using stalls = watchStalls();
  const answers = await Promise.all([...requests, ...invocations].map((request) => send(sequent, request, stalls)));
  const slowest = answers.toSorted((one, other) => other.ms - one.ms).slice(0, 5);
  process.stdout.write(`slowest: ${JSON.stringify(slowest.map(({ route, status, ms }) => [route, status, Math.round(ms)]))}\n`);
  return answers;
}

/** Expects that each request was answered in time, and that a failed one says whether a repetition may succeed. */
export function expectInTime(answers: readonly Answered[]): Answered[] {
  expect(answers.filter(({ ms }) => ms > ANSWERS_WITHIN_MS + MACHINE_MS)).toEqual([]);
  const failed = answers.filter((answer) => !isFine(answer));
  // An error of the gateway itself would be 500, and a caller would not know that a repetition may succeed.
  expect(failed.filter(({ status, retryAfter }) => ![503, 504].includes(status) || retryAfter === null)).toEqual([]);
  for (const { route, status } of failed.filter((one) => one.status === 504))
    expect(route.startsWith('GET') || route === 'POST /api/sql' ? `${route} ${status}` : '').toBe('');
  return failed;
}
