import { expect, test, vi } from 'vitest';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import type { StreamId } from '#src/core/names/names.ts';
import { GroupCloser } from '#src/scheduler/groups/close-groups.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { schedulerOptions } from '#test/support/scheduler/scheduler-options.ts';
import { ORDERS, POOL } from '#test/support/scheduler/waiting-log.ts';

const KEYS = 20_000;
const START = 1_000_000;
const WAIT_MS = 600;

/** The scheduler's reading of a log of which each request waits for its group with a key of its own, since `START`. */
function openGroups() {
  const clock = createVirtualClock(START);
  const streams = new OpenStreams({ patienceInMs: 5_000, unknownGraceInMs: 10, maxAgeOf: () => 1e12 });
  const flow = { key: '$.key', debounce: { wait: `${WAIT_MS}ms`, keep: 'last' as const } };
  const definition = functionDefinitionSchema.parse({ name: 'orders', handler: { kind: 'inline' }, flow });
  const options = schedulerOptions(createMemoryLog({ clock }), { clock, functions: { get: () => ({ definition }) as FunctionEntry } });
  const groups = new GroupCloser(options, () => streams);
  let sequence = 0;
  const append = (stream: string, waitsFor?: string): void => {
    const wakeTimes = { inProgressSince: 1, ...(waitsFor === undefined ? {} : { waitsFor }) };
    streams.fold({ kind: 'append', sequence: ++sequence, at: START, name: { function: ORDERS, stream: stream as StreamId }, wakeTimes });
  };
  return {
    clock,
    groups,
    looks: vi.spyOn(streams.debounced, 'prune'),
    wait: (stream: string, key: string, at = START) => {
      streams.fold({ kind: 'request', sequence: ++sequence, at, name: { function: ORDERS, stream: stream as StreamId }, size: 10 });
      append(stream, `0/d/${POOL}/${key}`);
    },
    start: (stream: string) => append(stream),
  };
}

test('a change of one debounced key has no other one of many looked at', () => {
  const { groups, looks, wait, start } = openGroups();
  for (let number = 0; number < KEYS; number++) wait(`s-${number}`, `k-${number}`);
  groups.checkDue(START);
  expect(looks).toHaveBeenCalledTimes(KEYS);
  expect(groups.nextDueAt).toBe(START + WAIT_MS);
  looks.mockClear();

  wait('more', 'k-7', START + 100);
  expect(groups.nextDueAt).toBeLessThanOrEqual(START);
  groups.checkDue(START + 100);
  expect(looks.mock.calls.map(([key]) => key.id)).toEqual([`${ORDERS}/k-7`]);
  looks.mockClear();
  groups.checkDue(START + 200);
  expect(looks).not.toHaveBeenCalled();

  // The key is forgotten with its last request, and another one gets its place in the queue.
  start('s-9');
  groups.checkDue(START + 200);
  expect(looks.mock.results.map(({ value }) => value)).toEqual([false]);
  looks.mockClear();
  wait('new', 'other', START + 200);
  groups.checkDue(START + 200);
  expect(looks.mock.calls.map(([key]) => key.id)).toEqual([`${ORDERS}/other`]);
});

test('a debounced key is looked at when its group ends, and each second, for a changed definition', async () => {
  const { groups, looks, wait, clock } = openGroups();
  wait('early', 'early', START - 500);
  wait('late', 'late');
  wait('later', 'later', START + 5_000);
  groups.checkDue(START);
  looks.mockClear();
  const looksUntil = (at: number): string[] => {
    clock.moveTo(at);
    groups.checkDue(at);
    return looks.mock.calls.splice(0).map(([key]) => key.id.split('/')[1] ?? '');
  };
  expect(groups.nextDueAt).toBe(START + 100);
  expect(looksUntil(START + 99)).toEqual([]);
  expect(looksUntil(START + 100)).toEqual(['early']);
  expect(looksUntil(START + WAIT_MS)).toContain('late');
  expect(looksUntil(START + 999)).not.toContain('later');
  expect(looksUntil(START + 1_000)).toContain('later');
  await groups.stop();
});
