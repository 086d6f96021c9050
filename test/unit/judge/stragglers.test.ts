import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { describeStragglers } from '#test/support/cluster/stragglers.ts';

const queued = (invocation: string, name: string, at: number): Fact => ({
  type: 'queued',
  invocation,
  at,
  function: name,
  qualifier: 'latest',
});
const deferred = (invocation: string, at: number): Fact => ({ type: 'deferred', invocation, at, flow: { pool: 'pool.shared', key: '' } });
const started = (invocation: string, at: number): Fact => ({ type: 'running', invocation, at, attempt: 1, worker: 'w' }) as unknown as Fact;

test('stragglers of a storm are named by what they wait for, and by whether their function goes on', () => {
  const facts = new Map<string, Fact[]>([
    ['slow-1', [queued('slow-1', 'slow', 1_000), deferred('slow-1', 2_000)]],
    ['slow-2', [queued('slow-2', 'slow', 1_000), deferred('slow-2', 2_000), started('slow-2', 58_000)]],
    ['still-1', [queued('still-1', 'still', 1_000), deferred('still-1', 3_000)]],
    ['still-2', [queued('still-2', 'still', 1_000)]],
  ]);
  expect(describeStragglers(['slow-1', 'slow-2', 'still-1', 'still-2', 'lost'], facts)).toEqual([
    'slow goes on: 1 deferred (pool.shared), 1 running; 1 started in the last 10 s',
    'still STANDS STILL for 55000 ms: 1 deferred (pool.shared), 1 queued; 0 started in the last 10 s',
    'a function that is not in the log STANDS STILL for 58000 ms: 1 unknown; 0 started in the last 10 s',
  ]);
});
