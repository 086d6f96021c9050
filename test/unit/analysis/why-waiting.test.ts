import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { explain } from '#src/analysis/explain/explain.ts';
import { failingPlatformInWords, readFailingPlatforms } from '#src/analysis/explain/platform-failures.ts';
import { type Surroundings, whyQueueWaits } from '#src/analysis/explain/queue-waits.ts';
import { dependsOnSurroundings, whyWaiting } from '#src/analysis/explain/why-waiting.ts';
import { momentsOf } from '#src/analysis/history.ts';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';
import { billing, deferred, ID, notified, queued, retrying, running, succeeded, unplaced } from '#test/support/log/facts.ts';

const definition = parseDefinition({ name: 'orders', handler: { kind: 'subject', subject: 'svc.orders' }, concurrency: 2 });
const around: Surroundings = {
  name: 'orders',
  definition,
  queue: { pending: 0, unacknowledged: 0, waiting: 1 },
  workers: 1,
  roles: ['worker', 'scheduler', 'destinations'],
};
const idle = { pending: 3, unacknowledged: 0, waiting: 0 };
const busy = { pending: 3, unacknowledged: 2, waiting: 0 };
const paused = { ...around, definition: { ...definition, paused: true } };

const momentsIn = (...facts: Fact[]) => momentsOf({ transitions: facts.map((fact, index) => ({ sequence: index + 1, by: 'w1', fact })) });
const refused = (attempt: number, at: number) => retrying(attempt, { at, dueAt: at + 1_000, failure: unplaced });

describe('a queue', () => {
  test.for([
    [
      'of a paused function waits for its resumption, although workers run',
      { ...paused, queue: busy },
      'paused',
      'sequent fn resume orders',
    ],
    ['of a function that does not exist', { ...around, definition: undefined }, 'no-function', 'sequent fn put'],
    ['waits for a worker when none runs', { ...around, queue: busy, workers: 0 }, 'no-worker', '--role worker'],
    ['waits for a worker when none of the running ones pulls', { ...around, queue: idle }, 'no-worker', '--role worker'],
    ['waits for a slot when its workers are full', { ...around, queue: busy }, 'all-busy', 'more workers'],
    [
      'waits for its turn when other functions hold all slots of its workers',
      { ...around, queue: { ...busy, unacknowledged: 1 }, load: { held: 4, slots: 4 } },
      'worker-full',
      '--worker-slots',
    ],
    [
      'waits for a slot when it holds all of its own, although its workers are full too',
      { ...around, queue: busy, load: { held: 4, slots: 4 } },
      'all-busy',
      'more workers',
    ],
  ] as const)('%s', ([, state, kind, remedy]) => {
    expect(whyQueueWaits(state)).toMatchObject({ kind, remedy: expect.stringContaining(remedy) });
  });

  test('does not wait while a worker requests its work', () => {
    expect(whyQueueWaits(around)).toBeUndefined();
  });

  test('that is full names the requests that its workers hold, and the concurrency', () => {
    expect(whyQueueWaits({ ...around, queue: busy })?.text).toContain('they hold 2 requests, and each worker runs at most 2');
  });
});

describe('an invocation', () => {
  test('waits for the resumption of its function, before its first attempt and before a retry', () => {
    expect(whyWaiting(momentsIn(queued()), 5_000, paused)).toEqual({
      kind: 'paused',
      text: 'It has waited for 5 s: orders is paused and starts no attempt.',
      remedy: 'sequent fn resume orders',
    });
    expect(whyWaiting(momentsIn(queued(), running(1), retrying(1)), 5_000, paused)).toMatchObject({ kind: 'paused' });
  });

  test('waits for the platform: the failures in a row, since when, the reason and the remedy are named', () => {
    const facts = [queued(), running(1), refused(1, 20), running(2, { at: 1_020 }), refused(2, 1_100)];
    const wait = whyWaiting(momentsIn(...facts), 1_600, around);
    expect(wait).toMatchObject({ kind: 'platform-failing', remedy: 'start a responder on the subject svc.orders' });
    expect(wait?.text).toContain('The platform could not run it, 2 times in a row since 1970-01-01T00:00:00.020Z (1.58 s)');
    expect(wait?.text).toContain('no responder answers. Its next attempt is due in 500 ms; at 1970-01-01T00:01:00.000Z');
  });

  test('names the failures of the platform while the next attempt runs, too', () => {
    const facts = [queued(), running(1), refused(1, 20), running(2, { at: 1_020 }), refused(2, 1_100), running(3, { at: 2_100 })];
    expect(whyWaiting(momentsIn(...facts), 2_102, around)).toMatchObject({
      kind: 'platform-failing',
      remedy: 'start a responder on the subject svc.orders',
      text: expect.stringMatching(
        /^The platform could not run it, 2 times in a row since .* no responder answers\. Attempt 3 runs; at .* its maximum age\.$/,
      ),
    });
    const transitions = facts.map((fact, index) => ({ sequence: index + 1, by: 'w1', fact }));
    const now = explain({ requestId: ID, function: 'orders', transitions }, 2_102, around).slice(-2);
    expect(now.map(({ text }) => text)).toEqual([
      'Attempt 3 has run on w1 for 2 ms; it is stopped after 30 s.',
      expect.stringMatching(/^The platform could not run it, 2 times .* To do: start a responder on the subject svc\.orders\.$/),
    ]);
  });

  test('waits for its time after a failure of the code, and then for a missing scheduler', () => {
    const waiting = momentsIn(queued(), running(1), retrying(1, { dueAt: 1_020 }));
    expect(whyWaiting(waiting, 520, around)).toMatchObject({ kind: 'due-later' });
    expect(whyWaiting(waiting, 1_100, { ...around, roles: ['worker'] })).toMatchObject({ remedy: 'sequent serve --role scheduler' });
  });

  test('waits for a delivery, and names a missing role', () => {
    const waiting = momentsIn(queued(), running(1), succeeded(1, { destinations: [billing] }));
    expect(whyWaiting(waiting, 60, around)).toEqual({ kind: 'delivery', rule: 'D1', text: 'It waits for the delivery to d1.' });
    expect(whyWaiting(waiting, 60, { ...around, roles: ['worker'] })?.text).toContain('no destinations role runs');
  });

  test('does not wait while an attempt runs', () => {
    expect(whyWaiting(momentsIn(queued(), running(1)), 60, around)).toBeUndefined();
  });

  test.for([
    ['waits for a worker', true, [queued()]],
    ['waits for its next attempt', true, [queued(), running(1), retrying(1)]],
    ['waits for a delivery', true, [queued(), running(1), succeeded(1, { destinations: [billing] })]],
    ['runs after a failure of the platform', true, [queued(), running(1), refused(1, 20), running(2, { at: 1_020 })]],
    ['runs for the first time', false, [queued(), running(1)]],
    ['runs after a failure of its code', false, [queued(), running(1), retrying(1), running(2, { at: 1_020 })]],
    ['is settled', false, [queued(), running(1), succeeded(1), notified()]],
  ] as const)('that %s depends on its function and the roles: %s', ([, expected, facts]) => {
    expect(dependsOnSurroundings(momentsIn(...facts))).toBe(expected);
  });

  test('is explained by the same reason and remedy', () => {
    const transitions = [{ sequence: 1, by: 'client', fact: queued() }];
    expect(explain({ requestId: ID, function: 'orders', transitions }, 5_000, paused).at(-1)?.text).toBe(
      'It has waited for 5 s: orders is paused and starts no attempt. To do: sequent fn resume orders.',
    );
  });
});

describe('the functions that the platform cannot run', () => {
  const row = {
    function: 'orders',
    state: 'retrying',
    attempts: 9,
    retries: 1,
    lost: 1,
    startedAt: 1_000,
    acceptedAt: 0,
    error: 'no answer',
  };
  const find = (...rows: Partial<InvocationSummary>[]) =>
    readFailingPlatforms(async () => ({ invocations: rows.map((one) => ({ ...row, ...one }) as InvocationSummary), cursor: null }));

  test('are found by attempts that neither a retry nor a lost worker explains', async () => {
    const [found] = await find({}, { startedAt: 500, attempts: 5, retries: 0, lost: 0 });
    expect(found).toEqual({ function: 'orders', invocations: 2, isAtLeast: false, failures: 7, since: 500, error: 'no answer' });
    expect(failingPlatformInWords(found as NonNullable<typeof found>, 60_500)).toBe(
      'the platform cannot run 2 invocations: up to 7 failures of one since 1970-01-01T00:00:00.500Z (1 min); no answer',
    );
  });

  test('do not include functions whose own code fails, or whose attempt runs', async () => {
    expect(await find({ attempts: 4, retries: 3, lost: 1 }, { state: 'running', attempts: 3, retries: 0, lost: 0 })).toEqual([]);
  });
});

describe('an invocation of a function with a flow', () => {
  const slots = { pool: 'orders', key: 'customer-7', running: 1, limit: 1, before: 3 };

  test('waits for its key: what runs, how many may, and how many are before it are named', () => {
    expect(whyWaiting(momentsIn(queued(), deferred()), 5_005, { ...around, slots })).toEqual({
      kind: 'key-full',
      text: 'It has waited for a slot for 5 s: 1 of 1 run for the key "customer-7"; 3 are before it.',
      remedy: 'sequent flow ls orders',
    });
    const total = { running: 50, limit: 50 };
    const wait = whyWaiting(momentsIn(queued(), deferred()), 5_005, { ...around, slots: { ...slots, running: 0, total, before: 1 } });
    expect(wait?.text).toBe('It has waited for a slot for 5 s: 50 of 50 run for all keys together; 1 is before it.');
  });

  test.for([
    [{ before: 1, urgent: 1 }, '1 with a higher priority is before it'],
    [{ before: 3, urgent: 3 }, '3 with a higher priority are before it'],
    [{ before: 3, urgent: 1 }, '3 are before it, 1 of them with a higher priority'],
    [{ before: 3, urgent: 0 }, '3 are before it'],
  ] as const)('waits for more urgent ones: of %j', ([before, why]) => {
    const full = { pool: 'orders', key: '', running: 1, limit: 1, ...before };
    const wait = whyWaiting(momentsIn(queued(), deferred()), 5_005, { ...around, slots: full });
    expect(wait?.text).toBe(`It has waited for a slot for 5 s: 1 of 1 run over all workers; ${why}.`);
  });

  test('waits for its key before a retry too, and by the log alone', () => {
    const facts = [queued(), running(1), retrying(1), deferred({ at: 30 })];
    expect(whyWaiting(momentsIn(...facts), 1_030)?.text).toBe('It has waited for a slot of the key "customer-7" for 1 s.');
    expect(whyWaiting(momentsIn(...facts, running(2, { at: 40 })), 1_030)).toBeUndefined();
  });

  test('waits for its rate: the rate, the next start and how many are before it are named', () => {
    const rate = { limit: 100, perInMs: 1_000, burst: 5, dueAt: 60 };
    const facts = (key: string) => momentsIn(queued(), deferred({ flow: { ...deferred().flow, key, rate } }));
    const used = { pool: 'orders', limit: undefined, running: 0, rate: { limit: 100, perInMs: 1_000, nextAt: 6_000 } };
    expect(whyWaiting(facts('customer-7'), 5_005, { ...around, slots: { ...used, key: 'customer-7', before: 3 } })).toEqual({
      kind: 'rate-used',
      text: 'It has waited for its rate for 5 s: 100 start in 1 s for the key "customer-7", the next one at 1970-01-01T00:00:06.000Z; 3 are before it.',
      remedy: 'sequent flow ls orders',
    });
    expect(whyWaiting(facts(''), 5_005, { ...around, slots: { ...used, key: '' } })?.text).toBe(
      'It has waited for its rate for 5 s: 100 start in 1 s over all workers, the next one at 1970-01-01T00:00:06.000Z.',
    );
    const full = { ...used, key: 'customer-7', running: 2, limit: 2 };
    expect(whyWaiting(facts('customer-7'), 5_005, { ...around, slots: full })?.text).toContain('2 of 2 run for the key');
    expect(whyWaiting(facts(''), 5_005)?.text).toBe('It has waited for its rate for 5 s.');
  });

  test('without a key waits in the queue for the rate, and not while its function is paused', () => {
    const slots = { pool: 'orders', limit: undefined, running: 0, rate: { limit: 100, perInMs: 60_000, nextAt: 6_000 } };
    expect(whyWaiting(momentsIn(queued()), 5_000, { ...around, queue: busy, slots })?.text).toBe(
      'It has waited for 5 s: 100 start in 1 min over all workers, the next one at 1970-01-01T00:00:06.000Z.',
    );
    expect(whyWaiting(momentsIn(queued()), 5_000, { ...paused, slots })).toMatchObject({ kind: 'paused' });
  });

  test('waits for a paused function, or for a missing scheduler, although its key is full', () => {
    const facts = momentsIn(queued(), deferred());
    expect(whyWaiting(facts, 5_005, { ...paused, slots })).toMatchObject({ kind: 'paused' });
    expect(whyWaiting(facts, 5_005, { ...around, slots, roles: ['worker'] })).toMatchObject({ remedy: 'sequent serve --role scheduler' });
  });

  test.for([
    [
      { first: 'order-1', dueAt: 60_000 },
      '4 of the key "customer-7" are before it, the first one is order-1, which retries at 1970-01-01T00:01:00.000Z',
    ],
    [{ first: 'order-1' }, '4 of the key "customer-7" are before it, the first one is order-1'],
    [{}, '3 of the key "customer-7" are before it'],
  ] as const)('waits for its turn in the order of its key when %j has the key', ([turn, why]) => {
    expect(whyWaiting(momentsIn(queued(), deferred()), 5_005, { ...around, slots: { ...slots, turn } })).toEqual({
      kind: 'turn',
      rule: 'SLOT7',
      text: `It has waited for its turn for 5 s: ${why}.`,
      remedy: 'sequent flow ls orders',
    });
  });

  test('that is the next one of its key waits for earlier requests in the queue, or for the total', () => {
    const next = { ...slots, running: 0, before: 0, turn: {} };
    const why = (total?: { running: number; limit: number }) =>
      whyWaiting(momentsIn(queued(), deferred()), 5_005, { ...around, slots: { ...next, ...(total === undefined ? {} : { total }) } })
        ?.text;
    expect(why()).toContain('it is the next one of the key "customer-7", and earlier requests are still in the queue');
    expect(why({ running: 2, limit: 2 })).toContain('2 of 2 run for all keys together');
  });

  test('without a key waits for the slots over all workers', () => {
    const full = { pool: 'orders', running: 10, limit: 10 };
    expect(whyWaiting(momentsIn(queued()), 5_000, { ...around, queue: busy, slots: full })).toMatchObject({
      kind: 'flow-full',
      text: 'It has waited for 5 s: 10 of 10 run over all workers.',
    });
    expect(whyQueueWaits({ ...around, slots: { ...full, running: 9 } })).toBeUndefined();
  });
});
