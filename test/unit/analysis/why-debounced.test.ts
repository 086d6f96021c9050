import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import type { Surroundings } from '#src/analysis/explain/queue-waits.ts';
import { whyWaiting } from '#src/analysis/explain/why-waiting.ts';
import { momentsOf } from '#src/analysis/history.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';
import { deferred, ID, queued } from '#test/support/log/facts.ts';

const flow = { key: '$.customer', debounce: { wait: '5s', maxWait: '1m', keep: 'all' } } as const;
const definition = parseDefinition({ name: 'orders', handler: { kind: 'subject', subject: 'svc.orders' }, flow });
const queue = { pending: 0, unacknowledged: 0, waiting: 1 };
const slots = { pool: 'orders', key: 'customer-7', running: 0, limit: undefined, grouped: 3 };
const around: Surroundings = { name: 'orders', definition, slots, queue, workers: 1, roles: ['worker', 'scheduler'] };

const debounced = deferred({
  flow: { pool: 'function.orders', key: 'customer-7', debounce: { keep: 'all', waitInMs: 5_000, maxWaitInMs: 60_000 } },
});
const joined: Fact = {
  ...{ type: 'debounce.joined', invocation: ID, at: 10, keep: 'all', leader: { invocation: 'order-2', request: 7 } },
};
const momentsIn = (...facts: Fact[]) => momentsOf({ transitions: facts.map((fact, index) => ({ sequence: index + 1, by: 'w1', fact })) });
const moments = momentsIn(queued(), debounced);

test('a debounced request waits for its group, and the requests so far are counted', () => {
  expect(whyWaiting(moments, 2_000, around)).toMatchObject({
    kind: 'debounced',
    rule: 'DEB1',
    text: expect.stringMatching(/debounce of the key "customer-7", which ends 5 s after the last request.* 3 requests wait so far\.$/),
  });
  expect(whyWaiting(moments, 2_000)?.text).not.toContain('so far');
});

test('a debounced request names the end of its group as of now', () => {
  const now = { ...around, slots: { ...slots, groupEndsAt: 7_000 } };
  const text = whyWaiting(moments, 2_000, now)?.text;
  expect(text).toContain('ends 5 s after the last request: at 1970-01-01T00:00:07.000Z without a further one, and at 1970-01-01T00:01:00');
});

test.for([
  ['of a paused function', { definition: { ...definition, paused: true } }, 'paused', 'Its debounce does not end: orders is paused'],
  ['without a scheduler', { roles: ['worker'] }, 'overdue', 'Its debounce does not end: no scheduler runs'],
] as const)('a debounced request %s tells what holds it', ([, more, kind, text]) => {
  const wait = whyWaiting(moments, 2_000, { ...around, ...more });
  expect(wait).toMatchObject({ kind, text: expect.stringContaining(text), remedy: expect.stringContaining('sequent') });
});

test('a member waits for its leader', () => {
  const wait = whyWaiting(momentsIn(queued(), debounced, joined), 2_000, around);
  expect(wait).toMatchObject({ kind: 'debounced', rule: 'DEB3', text: expect.stringContaining('outcome of order-2') });
});
