import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { findOvertaken, longestOvertakingInMs, type OrderedFact } from '#test/support/log/flow-starts.ts';

const queued = (invocation: string, at: number, priority: number): OrderedFact => ({
  fact: { type: 'queued', invocation, at, function: 'urgent', qualifier: 'latest', priority },
  storedAt: at,
});
const deferred = (invocation: string, at: number): OrderedFact => ({
  fact: { type: 'deferred', invocation, at, flow: { pool: 'urgent', key: '' } },
  storedAt: at,
});
const started = (invocation: string, at: number): OrderedFact => ({
  fact: { type: 'running', invocation, at, attempt: 1, worker: 'w' } as unknown as Fact,
  storedAt: at,
});

test('a request is overtaken from the first less urgent start until its own start', () => {
  const waiting = [
    queued('low', 0, 0),
    queued('high', 10, 9),
    queued('lost', 20, 9),
    ...['low', 'high', 'lost'].map((id) => deferred(id, 30)),
  ];
  const facts = [...waiting, started('low', 100), started('high', 3_100)];
  expect(findOvertaken(facts, 60_000)).toEqual([
    { id: 'high', by: 'low', forMs: 3_000 },
    { id: 'lost', by: 'low', forMs: Number.POSITIVE_INFINITY },
  ]);
  // Aging: after nine minutes the least urgent request is ahead of a new one of the greatest priority.
  const aged = [
    queued('old', 0, 0),
    queued('new', 540_001, 9),
    deferred('old', 1),
    deferred('new', 540_002),
    started('old', 540_010),
    started('new', 540_020),
  ];
  expect(findOvertaken(aged, 60_000)).toEqual([]);
});

test('the documented bound is that of the default patience and lease: 16 s', () => {
  expect(longestOvertakingInMs({ patienceInMs: 5_000, leaseInMs: 15_000 })).toBe(16_000);
});
