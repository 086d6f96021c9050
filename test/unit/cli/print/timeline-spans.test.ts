import { expect, test } from 'vitest';
import { spansOf } from '#src/cli/print/timeline-spans.ts';
import { deferred, queued, running, succeeded } from '#test/support/log/facts.ts';

const summary = (spans: ReturnType<typeof spansOf>) => spans.map(({ kind, label, from, to, end }) => [kind, label, from, to, end]);
const delayed = { ...queued(), at: 10, dueAt: 100 };

test('the wait of a delayed request for its due time has a span of its own, before that for a worker', () => {
  expect(summary(spansOf([delayed, running(1, { at: 130 }), { ...succeeded(1), at: 150 }], 150))).toEqual([
    ['wait', 'delayed', 10, 100, 'over'],
    ['queued', 'queued', 100, 130, 'over'],
    ['attempt', 'attempt 1', 130, 150, 'succeeded'],
    ['queued', 'delivering', 150, 150, 'open'],
  ]);
  expect(summary(spansOf([delayed], 60))).toEqual([['wait', 'delayed', 10, 60, 'open']]);
  expect(summary(spansOf([delayed], 120))).toEqual([
    ['wait', 'delayed', 10, 100, 'over'],
    ['queued', 'queued', 100, 120, 'open'],
  ]);
});

test('the wait for a slot of a key has a span of its own, between the queue and the attempt', () => {
  const facts = [queued(), deferred({ at: 20 }), running(1, { at: 90 })];
  expect(summary(spansOf(facts, 100))).toEqual([
    ['queued', 'queued', 0, 20, 'over'],
    ['wait', 'deferred', 20, 90, 'over'],
    ['attempt', 'attempt 1', 90, 100, 'open'],
  ]);
  expect(spansOf(facts, 100)[1]?.note).toBe('until a slot of the key "customer-7" is free');
});
