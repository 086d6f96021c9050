import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PoolId } from '#src/core/functions/flow.ts';
import { DEFAULT_PRIORITY, rankOf } from '#src/core/functions/priority.ts';
import type { LogEntry, StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import type { WaitingKey } from '#src/scheduler/waits/waiting-key.ts';

const pool = 'function.orders' as PoolId;
const name = (stream: string): StreamName => ({ function: 'orders' as FunctionName, stream: stream as StreamId });

/** Streams of one function, whose log is written entry by entry. */
function openLog(): { streams: OpenStreams; request: (stream: string, at: number, dueAt?: number) => void; wait: Wait; start: Wait } {
  const streams = new OpenStreams({ patienceInMs: 100, unknownGraceInMs: 10, maxAgeOf: () => 1e12 });
  let sequence = 0;
  const append = (stream: string, waitsFor?: string): void => {
    const wakeTimes = { inProgressSince: 1, ...(waitsFor === undefined ? {} : { waitsFor }) };
    streams.fold({ kind: 'append', sequence: ++sequence, at: sequence, name: name(stream), wakeTimes });
  };
  return {
    streams,
    request: (stream, at, dueAt) => {
      const entry: LogEntry = { kind: 'request', sequence: ++sequence, at, name: name(stream), size: 10 };
      streams.fold(dueAt === undefined ? entry : { ...entry, dueAt });
    },
    wait: (stream, priority) => append(stream, `0/1/${pool}/${priority === undefined ? '' : `/${priority}`}`),
    start: (stream) => append(stream),
  };
}
type Wait = (stream: string, priority?: number) => void;

function queueOf({ waiting }: OpenStreams): WaitingKey {
  const queue = waiting.pools.get(pool)?.add('orders' as FunctionName, '');
  if (queue === undefined) throw new Error('nothing waits');
  return queue;
}

const first = (queue: WaitingKey, count: number): string[] => queue.first(count).map(({ stream }) => String(stream.name.stream));

type Present = { at: number; priority: number; rank: number };

const leastRanks = (present: readonly Present[], count: number): number[] =>
  present
    .map(({ rank }) => rank)
    .sort((one, other) => one - other)
    .slice(0, count);

/** Starts one that waits. Returns by how much it came after each of those that wait on. */
function overtakingsBy(stream: string, present: Map<string, Present>, start: Wait): { byMs: number; priority: number }[] {
  const started = present.get(stream);
  start(stream);
  present.delete(stream);
  return [...present.values()].map(({ at, priority }) => ({ byMs: (started?.at ?? 0) - at, priority }));
}

describe('the attempts that wait with priorities (SLOT8)', () => {
  test('are in the order of their ranks, and of the log when the ranks are equal', () => {
    const { streams, request, wait } = openLog();
    for (const [stream, at] of [
      ['a', 0],
      ['b', 0],
      ['c', 500],
      ['d', 4_000],
    ] as const)
      request(stream, at);
    for (const [stream, priority] of [
      ['b', undefined],
      ['a', undefined],
      ['c', 0],
      ['d', 9],
    ] as const)
      wait(stream, priority);
    const queue = queueOf(streams);
    queue.orderBy(1_000);
    expect(first(queue, 4)).toEqual(['d', 'a', 'b', 'c']);
    expect(first(queue, 2)).toEqual(['d', 'a']);
  });

  test('are sorted anew when the aging changes, and by their requests without one', () => {
    const { streams, request, wait } = openLog();
    for (const [stream, at, priority] of [
      ['old', 0, 0],
      ['new', 5_000, 9],
    ] as const) {
      request(stream, at);
      wait(stream, priority);
    }
    const queue = queueOf(streams);
    const firsts = [1_000, 100, undefined].map((aging) => {
      queue.orderBy(aging);
      return aging === undefined ? queue.first(2).map(({ stream }) => stream.name.stream) : first(queue, 2);
    });
    expect(firsts).toEqual([
      ['new', 'old'],
      ['old', 'new'],
      ['old', 'new'],
    ]);
  });

  test('count the wait of a delayed request from when it is due', () => {
    const { streams, request, wait } = openLog();
    request('delayed', 0, 5_000);
    request('usual', 4_000);
    for (const stream of ['delayed', 'usual']) wait(stream);
    const queue = queueOf(streams);
    queue.orderBy(1_000);
    expect(first(queue, 2)).toEqual(['usual', 'delayed']);
  });

  test('are overtaken only by requests that came at most (9 - priority) agings later', () => {
    const arrivals = fc.record({
      aging: fc.constantFrom(1, 100, 10_000),
      steps: fc.array(fc.record({ after: fc.nat(200), priority: fc.option(fc.nat(9), { nil: undefined }), starts: fc.nat(3) }), {
        minLength: 1,
        maxLength: 80,
      }),
    });
    fc.assert(
      fc.property(arrivals, ({ aging, steps }) => {
        const { streams, request, wait, start } = openLog();
        const present = new Map<string, Present>();
        let at = 0;
        for (const [number, { after, priority, starts }] of steps.entries()) {
          at += after;
          const stream = `s${String(number).padStart(3, '0')}`;
          request(stream, at);
          wait(stream, priority);
          present.set(stream, { at, priority: priority ?? DEFAULT_PRIORITY, rank: rankOf(at, priority, aging) });
          const queue = queueOf(streams);
          queue.orderBy(aging);
          const next = first(queue, starts);
          expect(next.map((one) => present.get(one)?.rank)).toEqual(leastRanks([...present.values()], starts));
          const overtakings = next.flatMap((one) => overtakingsBy(one, present, start));
          expect(overtakings.filter(({ byMs, priority: own }) => byMs > (9 - own) * aging)).toEqual([]);
        }
      }),
    );
  });
});
