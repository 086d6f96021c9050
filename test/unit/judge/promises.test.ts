import { expect, test } from 'vitest';
import type { Evidence, RawMessage } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import type { Fact } from '#src/judge/read-lives.ts';
import { plant } from '#test/support/judge/plant.ts';

/* Small logs by hand: what the judge says about promises that the recorded evidence does not hold. */

type Given = { id: string; headers?: Record<string, string>; payload?: string };
type Facts = { request: number; facts: Partial<Fact>[] };
type Message = Given | Facts;

const FN = 'orders';
const SECOND = 1_000;
const outcomeOf = (payload: string, more: object = {}): Partial<Fact> => ({ type: 'succeeded', attempt: 1, payload, ...more });
const notified: Partial<Fact> = { type: 'notified' };
const started: Partial<Fact> = { type: 'running', attempt: 1, worker: 'w', terms: {} };

/** A log with one message each second. `request`: which message is the request of the facts, from 1 on. */
function logOf(messages: readonly Message[]): RawMessage[] {
  return messages.map((message, index) => {
    const common = { sequence: index + 1, at: (index + 1) * SECOND };
    if ('id' in message) {
      const headers: Record<string, string> = { 'Request-Id': message.id, ...message.headers };
      const isDerived = 'Schedule' in headers || headers.Batch === 'opens';
      return {
        ...common,
        subject: `${isDerived ? 'derived' : 'invoke'}.${FN}`,
        headers,
        data: message.payload ?? `{"of":"${message.id}"}`,
      };
    }
    const owner = (messages[message.request - 1] as Given).id;
    const facts = message.facts.map((fact) => ({ invocation: owner, at: common.at, ...fact }));
    const append = { id: `append-${index}`, previous: 0, request: message.request, facts };
    return { ...common, subject: `invocation.${FN}.${owner}`, headers: {}, data: JSON.stringify(append) };
  });
}

function judged(messages: readonly Message[], more: Partial<Evidence> = {}): string[] {
  const rules = judge(plant({ log: logOf(messages), client: [], ...more }, {})).map((problem) => problem.split(':')[0] ?? '');
  return [...new Set(rules)];
}

/** A batch `b` with a member before its seal, and one after it. */
const batchOf = (reason: string, counts: object, ofLate: Partial<Fact>[]): Message[] => [
  { id: 'b', headers: { Batch: 'opens' }, payload: '{"batch":"x"}' },
  { id: 'm1', headers: { 'Member-Of': 'x' } },
  { request: 2, facts: [started, outcomeOf('1'), notified] },
  { request: 1, facts: [{ type: 'batch.sealed', reason }] },
  { id: 'm2', headers: { 'Member-Of': 'x' } },
  { request: 1, facts: [outcomeOf(JSON.stringify(counts), { attempt: 0 }), notified] },
  { request: 5, facts: ofLate },
];
const failed: Partial<Fact> = { type: 'failed', attempt: 0, failure: { kind: 'platform', message: 'it was cancelled' } };

test('a completed batch counts each member before its seal, and may miss later ones (FAN2)', () => {
  const ran = [started, outcomeOf('2'), notified];
  expect(judged(batchOf('ended', { members: 1, counts: { SUCCESS: 1 } }, ran))).toEqual([]);
  expect(judged(batchOf('ended', { members: 2, counts: { SUCCESS: 1 } }, ran))).toEqual([]);
  expect(judged(batchOf('ended', { members: 0, counts: { SUCCESS: 0 } }, ran))).toEqual(['FAN2']);
  expect(judged(batchOf('ended', { members: 3, counts: { SUCCESS: 1 } }, ran))).toEqual(['FAN2']);
});

test('a member that came after the cancellation of its batch starts no attempt (FAN4)', () => {
  const counts = { members: 1, counts: { SUCCESS: 1 } };
  expect(judged(batchOf('canceled', counts, [failed, notified]))).toEqual([]);
  expect(judged(batchOf('canceled', counts, [started, outcomeOf('2'), notified]))).toEqual(['FAN4']);
});

test('a cancelled batch is not sealed by its sender, and a sealed one may be cancelled (FAN1)', () => {
  const sealed = (...reasons: string[]): Message[] => [
    { id: 'b', headers: { Batch: 'opens' }, payload: '{"batch":"x"}' },
    { request: 1, facts: reasons.map((reason) => ({ type: 'batch.sealed', reason })) },
    { request: 1, facts: [outcomeOf('{"members":0,"counts":{"SUCCESS":0}}', { attempt: 0 }), notified] },
  ];
  expect(judged(sealed('ended', 'canceled'))).toEqual([]);
  expect(judged(sealed('canceled', 'ended'))).toEqual(['FAN1']);
});

test('by the log, not more attempts of a key run at one time than the limit (SLOT2)', () => {
  const expected = { [FN]: { limit: 1 } };
  const of = (first: number, second: number): Message[] => [
    { id: 'one' },
    { id: 'two' },
    { request: 1, facts: [started] },
    { request: first, facts: first === 1 ? [outcomeOf('1'), notified] : [started] },
    { request: second, facts: second === 1 ? [outcomeOf('1'), notified] : [started] },
    { request: 2, facts: [outcomeOf('1'), notified] },
  ];
  expect(judged(of(1, 2), { expected })).toEqual([]);
  expect(judged(of(2, 1), { expected })).toEqual(['SLOT2']);
  expect(judged(of(2, 1), { expected, isLossy: true })).toEqual([]);
});

test('where a failed request is passed, first attempts start in the order of the log (SLOT7)', () => {
  const waits = { type: 'deferred', flow: { pool: `function.${FN}`, key: '' } };
  const retried = [started, { type: 'retrying', attempt: 1, dueAt: 0, failure: { kind: 'function', message: 'x' } }];
  const again = [{ ...started, attempt: 2, terms: undefined }, outcomeOf('1', { attempt: 2 }), notified];
  const ended = [started, outcomeOf('1'), notified];
  const retries = retried.map((fact) => (fact === started ? { ...fact, terms: { maxRetries: 1 } } : fact));
  const of = (first: Facts, ...others: Facts[]): Message[] => [
    { id: 'one' },
    { id: 'two' },
    { request: 2, facts: [waits] },
    first,
    ...others,
  ];
  const passing = of({ request: 1, facts: retries }, { request: 2, facts: ended }, { request: 1, facts: again });
  const overtaking = of({ request: 2, facts: ended }, { request: 1, facts: ended });
  const orderOf = (passesFailed: boolean) => ({ expected: { [FN]: { isFifo: true, passesFailed } } });
  expect([judged(passing, orderOf(true)), judged(overtaking, orderOf(true))]).toEqual([[], ['SLOT7']]);
  expect([judged(passing, orderOf(false)), judged(overtaking, orderOf(false))]).toEqual([['SLOT7'], ['SLOT7']]);
});

test.for([
  ['{"of":"attempts","greater":1}', false],
  ['{"of":"request","path":"$.number","less":50}', true],
  ['{"not":{"of":"request","path":"$.number","exists":true}}', false],
  ['{"or":[{"of":"attempts","less":1},{"of":"response","path":"$.sum","equals":9}]}', true],
] as const)('an outcome goes to a destination when its condition %s holds: %s (WHEN1)', ([when, holds]) => {
  const destination = { id: 'http-1', destination: 'HTTP', when };
  const delivered = { type: 'delivery.delivered', destination: 'http-1', try: 1 };
  const withOutcome = (more: object, after: Partial<Fact>[]): Message[] => [
    { id: 'one', payload: '{"number":7}' },
    { request: 1, facts: [started, outcomeOf('{"sum":9}', more), ...after] },
  ];
  const sent = judged(withOutcome({ destinations: [destination] }, [{ ...delivered, type: 'delivery.started' }, delivered, notified]));
  const notSent = judged(withOutcome({ notSent: [destination] }, [notified]));
  expect([sent, notSent]).toEqual(holds ? [[], ['WHEN1']] : [['WHEN1'], []]);
});

test('a receiver sees each try of a delivery once, and only a try that the log holds (D1, E1)', () => {
  const destinations = [{ id: 'http-1', destination: 'HTTP' }];
  const delivery = ['started', 'delivered'].map((type) => ({ type: `delivery.${type}`, destination: 'http-1', try: 1 }));
  const log: Message[] = [{ id: 'one' }, { request: 1, facts: [started, outcomeOf('1', { destinations }), ...delivery, notified] }];
  const first = { fn: FN, id: 'one', destination: 'http-1', try: 1 };
  expect(judged(log, { tries: [first] })).toEqual([]);
  expect(judged(log, { tries: [first, first] })).toEqual(['D1']);
  expect(judged(log, { tries: [first, { ...first, try: 2 }] })).toEqual(['E1']);
});

test('an invocation follows from an outcome that names it, unless the log may have lost the outcome (D1)', () => {
  const child = (parent: string): Message => ({
    id: 'child',
    headers: { Lineage: `${parent}/${parent}/1/1` },
    payload: JSON.stringify({ request_context: { request_id: parent }, response_payload: '1' }),
  });
  const delivery = ['started', 'delivered'].map((type) => ({ type: `delivery.${type}`, destination: 'fn-1', try: 1 }));
  const of = (destinations: object[], delivered: Partial<Fact>[]): Message[] => [
    { id: 'one' },
    { request: 1, facts: [started, outcomeOf('1', { destinations }), ...delivered, notified] },
    child('one'),
    { request: 3, facts: [started, outcomeOf('2'), notified] },
  ];
  const wanted = of([{ id: 'fn-1', destination: 'FunctionGraph' }], delivery);
  expect([judged(wanted), judged(wanted, { isLossy: true })]).toEqual([[], []]);
  const unwanted = of([], []);
  expect([judged(unwanted), judged(unwanted, { isLossy: true })]).toEqual([['D1'], []]);
});

test('a fire time is one invocation, after the outcome of the one before it (CRON3, CRON6)', () => {
  const fire = (id: string, at: number): Given => ({ id, headers: { Schedule: `nightly/${at}` } });
  const ran = (request: number): Facts => ({ request, facts: [started, outcomeOf('1'), notified] });
  const schedules = ['nightly'];
  expect(judged([fire('f1', 1), ran(1), fire('f2', 2), ran(3)], { schedules })).toEqual([]);
  expect(judged([fire('f1', 1), ran(1), fire('f2', 1), ran(3)], { schedules })).toEqual(['CRON3']);
  expect(judged([fire('f1', 1), fire('f2', 2), ran(1), ran(2)], { schedules })).toEqual(['CRON6']);
});

test('a group names each request of its key that came before it was due (DEB2)', () => {
  const waits = { type: 'deferred', flow: { pool: `function.${FN}`, key: '', debounce: { waitInMs: 1, maxWaitInMs: 3 * SECOND } } };
  const of = (members: string[], dueAt: number): Message[] => [
    { id: 'g1' },
    { id: 'g2' },
    { request: 1, facts: [waits] },
    { request: 2, facts: [waits, { type: 'debounce.closed', dueAt, members: members.map((invocation) => ({ invocation })) }] },
  ];
  const expected = { [FN]: { isDebounced: true } };
  expect(judged(of(['g1'], 4 * SECOND), { expected })).toEqual([]);
  expect(judged(of([], 4 * SECOND), { expected })).toEqual(['DEB2']);
  expect(judged(of(['g1'], 4 * SECOND + 1), { expected })).toEqual(['DEB2']);
  // The first request came just before the group was due: the clocks of two processes may differ.
  expect(judged(of([], 1.5 * SECOND), { expected })).toEqual([]);
});

test('a request that has its part in a group does not wait for another one (DEB1)', () => {
  const waits = { type: 'deferred', flow: { pool: `function.${FN}`, key: '', debounce: { waitInMs: 1, maxWaitInMs: 1 } } };
  const closed = { type: 'debounce.closed', dueAt: 0, members: [] };
  const of = (...facts: Partial<Fact>[]): Message[] => [
    { id: 'one' },
    { request: 1, facts: [...facts, started, outcomeOf('1'), notified] },
  ];
  expect(judged(of(waits, closed))).toEqual([]);
  expect(judged(of(closed, waits))).toEqual(['DEB1']);
});

test('the outcome is what an execution of its own attempt returned (EXEC2)', () => {
  const log: Message[] = [{ id: 'one' }, { request: 1, facts: [started, outcomeOf('1'), notified] }];
  const executed = (payload?: string): Evidence['executions'] => [
    { kind: 'start', id: 'one', attempt: 1 },
    { kind: 'end', id: 'one', attempt: 1, ...(payload === undefined ? {} : { payload }) },
  ];
  expect(judged(log, { executions: executed('1') ?? [] })).toEqual([]);
  expect(judged(log, { executions: executed() ?? [] })).toEqual([]);
  expect(judged(log, { executions: executed('2') ?? [] })).toEqual(['EXEC2']);
});

test('a leader runs with the events of its members and its own (DEB3)', () => {
  const leader = { invocation: 'g2', stream: 'g2' };
  const log: Message[] = [
    { id: 'g1' },
    { id: 'g2' },
    { request: 2, facts: [{ type: 'debounce.closed', dueAt: 0, members: [{ invocation: 'g1' }] }] },
    { request: 1, facts: [{ type: 'debounce.joined', leader, keep: 'all' }] },
    { request: 2, facts: [started, outcomeOf('1'), notified] },
    { request: 1, facts: [outcomeOf('1', { attempt: 0 }), notified] },
  ];
  const ran = (events: string[]): Partial<Evidence> => ({ executions: [{ kind: 'start', id: 'g2', attempt: 1, events }] });
  expect(judged(log, ran(['g1', 'g2']))).toEqual([]);
  expect(judged(log, ran(['g2']))).toEqual(['DEB3']);
});
