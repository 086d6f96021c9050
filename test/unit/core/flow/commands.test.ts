import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { changeEntry } from '#src/core/flow/change-entry.ts';
import { type Debounced, firstGroup, MAX_GROUP, MAX_GROUP_BYTES } from '#src/core/flow/debounce-groups.ts';
import { encodeLedgerEntry, type LedgerEntry, NO_SLOTS, type Spilled, type Waiter } from '#src/core/flow/ledger-entry.ts';
import { SpilledBuckets } from '#src/core/flow/spilled-buckets.ts';
import type { Debounce } from '#src/core/functions/debounce.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { RateText } from '#src/core/functions/rate.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { TwoKeyQueue } from '#src/scheduler/open/chunked-lists.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';

/* Commands in any order, against a model of each part: the results, and what they cost with 20,000 keys and 20,000 equal ranks. */

const MANY = 20_000;

/** A command that may always come. */
function command<Model extends object, Real>(text: string, run: (model: Model, real: Real) => void): fc.Command<Model, Real> {
  return { check: () => true, run, toString: () => text };
}

describe('the token buckets of 20,000 keys', () => {
  const INTERVAL = 3_600_000;
  const rate = `1/${INTERVAL}/1` as RateText;
  const AT_ONCE = 1_000;
  /** `max_payload` of a server. */
  const MAX_MESSAGE_BYTES = 1_048_576;
  const pool = 'function.f' as PoolId;
  /** When the token of each key is back. */
  type Model = { fullAt: Map<number, number>; attempts: number };
  type Real = { entry: LedgerEntry; now: number; spilled: SpilledBuckets; revision: number };
  const run = (from: number): fc.AsyncCommand<Model, Real> => ({
    check: () => true,
    toString: () => `attempts of ${AT_ONCE} keys from ${from} on`,
    async run(model, real) {
      const attempt = ++model.attempts;
      const keys = Array.from({ length: AT_ONCE }, (_, index) => (from + index) % MANY);
      const waiters = keys.map((key): Waiter => ({ key: `key-${key}`, function: 'f', invocation: `${key}`, attempt, request: 1, rate }));
      let looks = 0;
      const spilled: Spilled = {
        fullAtOf(id) {
          looks++;
          return real.spilled.fullAtOf(id);
        },
        hasRoom: real.spilled.hasRoom,
      };
      const { entry, answers } = changeEntry(real.entry, { acquisitions: waiters, now: real.now, spilled });
      const started = waiters.filter((one) => answers.get(`f/${one.invocation}/${attempt}`) === 'held');
      expect(started.map(({ invocation }) => Number(invocation))).toEqual(keys.filter((key) => (model.fullAt.get(key) ?? 0) <= real.now));
      const used = changeEntry(entry, { releases: started, now: real.now, spilled });
      // A look for the decision, and one for the use: whatever the number of keys is.
      expect(looks).toBeLessThanOrEqual(2 * AT_ONCE);
      for (const { invocation } of started) model.fullAt.set(Number(invocation), real.now + INTERVAL);
      const written = await real.spilled.write(used.entry, real.now, async (one) => {
        expect(encodeLedgerEntry(one).length).toBeLessThan(MAX_MESSAGE_BYTES);
        return ++real.revision;
      });
      real.entry = written.entry;
    },
  });
  const pause = (ms: number): fc.AsyncCommand<Model, Real> => ({
    check: () => true,
    toString: () => `pause ${ms}`,
    async run(_, real) {
      real.now += ms;
    },
  });

  test('give each key its rate, in entries that stay a message, with one look for each use', async () => {
    const commands = fc.commands([fc.nat(MANY - 1).map(run), fc.nat(INTERVAL).map(pause)], { maxCommands: 60, size: 'max' });
    await fc.assert(
      fc.asyncProperty(commands, (given) =>
        fc.asyncModelRun(() => {
          const spilled = new SpilledBuckets(pool, createMemoryKeyValue());
          return { model: { fullAt: new Map(), attempts: 0 }, real: { entry: NO_SLOTS, now: 1_000_000, spilled, revision: 0 } };
        }, given),
      ),
      { numRuns: 8 },
    );
  });
});

describe('the groups of debounced requests', () => {
  type Model = { number: number; at: number; grouped: number };
  type Real = { waiting: Debounced[] };
  const debounce: Debounce = { keep: 'all', waitInMs: 100, maxWaitInMs: 400 };

  /** The list of requests that counts which of them are looked at. */
  function counted(requests: readonly Debounced[]): { list: readonly Debounced[]; looks: () => number } {
    const seen = new Set<string>();
    const list = new Proxy(requests, {
      get(target, name) {
        if (typeof name === 'string' && /^\d+$/.test(name)) seen.add(name);
        return Reflect.get(target, name) as unknown;
      },
    });
    return { list, looks: () => seen.size };
  }

  function close(real: Real, now: number): number {
    const { list, looks } = counted(real.waiting);
    const { members, closesAt } = firstGroup(list, debounce);
    // The work is that of the group, and one look at the request after it.
    expect(looks()).toBeLessThanOrEqual(members.length + 1);
    const [first, last, next] = [members[0], members.at(-1), real.waiting[members.length]];
    if (first === undefined || last === undefined || closesAt > now) return 0;
    const bytes = members.reduce((sum, one) => sum + one.bytes, 0);
    const endsAt = Math.min(last.at + debounce.waitInMs, first.at + debounce.maxWaitInMs);
    const isFull = members.length === MAX_GROUP || (next !== undefined && next.at < endsAt && bytes + next.bytes > MAX_GROUP_BYTES);
    expect(members.length).toBeLessThanOrEqual(MAX_GROUP);
    expect(members.length === 1 || bytes <= MAX_GROUP_BYTES).toBe(true);
    expect(closesAt).toBe(isFull ? last.at : endsAt);
    expect(isFull || next === undefined || next.at >= closesAt).toBe(true);
    for (const [index, { at }] of members.slice(1).entries()) {
      expect(at).toBeLessThan((members[index]?.at ?? 0) + debounce.waitInMs);
      expect(at).toBeLessThan(first.at + debounce.maxWaitInMs);
    }
    real.waiting = real.waiting.slice(members.length);
    return members.length;
  }

  const arrive = (count: number, after: number, bytes: number) =>
    command<Model, Real>(`${count} requests after ${after}`, (model, real) => {
      model.at += after;
      for (let index = 0; index < count; index++)
        real.waiting.push({ invocation: `${++model.number}`, request: model.number, index: 0, at: model.at, bytes });
    });
  const look = command<Model, Real>('look', (model, real) => {
    model.grouped += close(real, model.at);
    expect(model.grouped + real.waiting.length).toBe(model.number);
  });

  test('hold each request once, close in time, and cost a look for each request, 20,000 of a moment too', () => {
    const commands = fc.commands(
      [
        fc
          .tuple(fc.constantFrom(1, 1, 3), fc.nat(150), fc.constantFrom(10, 200_000))
          .map(([count, after, bytes]) => arrive(count, after, bytes)),
        fc.constant(arrive(MANY, 1, 1)),
        fc.constant(look),
        fc.constant(look),
      ],
      { maxCommands: 30, size: 'max' },
    );
    fc.assert(
      fc.property(commands, (given) => fc.modelRun(() => ({ model: { number: 0, at: 0, grouped: 0 }, real: { waiting: [] } }), given)),
      { numRuns: 10 },
    );
  });
});

describe('the queues of attempts that wait', () => {
  test('order 20,000 equal ranks by their requests, and compare a logarithmic number of them', () => {
    let comparisons = 0;
    const look = (value: number): number => {
      comparisons += 0.5;
      return value;
    };
    const ranked = (value: number): number => ({ valueOf: () => look(value) }) as unknown as number;
    /** A parent and a child on each level of the heap. */
    const most = 2 * Math.ceil(Math.log2(2 * MANY));
    type Model = { present: { id: number; rank: number; order: number }[]; next: number };
    const measured = (run: () => void): void => {
      comparisons = 0;
      run();
      expect(comparisons).toBeLessThanOrEqual(most);
    };
    const push = (rank: number) =>
      command<Model, TwoKeyQueue>(`push ${rank}`, (model, real) => {
        const id = model.next++;
        model.present.push({ id, rank, order: id });
        measured(() => real.push(id, ranked(rank), id));
      });
    const pop = command<Model, TwoKeyQueue>('pop', (model, real) => {
      const wanted = model.present.reduce((one, other) =>
        other.rank < one.rank || (other.rank === one.rank && other.order < one.order) ? other : one,
      );
      measured(() => expect(real.pop()).toBe(wanted.id));
      model.present = model.present.filter(({ id }) => id !== wanted.id);
    });
    const commands = fc.commands([fc.constantFrom(0, 0, 0, 1, 2).map(push), fc.constant(pop)], { maxCommands: 100, size: 'max' });
    fc.assert(
      fc.property(commands, (given) =>
        fc.modelRun(() => {
          const queue = new TwoKeyQueue();
          const present = Array.from({ length: MANY }, (_, id) => ({ id, rank: 1, order: id }));
          for (const { id, rank, order } of present) queue.push(id, ranked(rank), order);
          return { model: { present, next: MANY }, real: queue };
        }, given),
      ),
      { numRuns: 6 },
    );
  });

  test('of 20,000 keys keep the order of each key, and an event moves the attempts of one key alone', () => {
    const pool = 'function.f' as PoolId;
    const moves = [vi.spyOn(TwoKeyQueue.prototype, 'push'), vi.spyOn(TwoKeyQueue.prototype, 'pop')];
    type Model = { waiting: Map<string, string[]>; next: number };
    type Real = { streams: OpenStreams; sequence: number };
    const name = (stream: string) => ({ function: 'f' as FunctionName, stream: stream as StreamId });
    const append = (real: Real, stream: string, waitsFor?: string): void => {
      const wakeTimes = { inProgressSince: 1, ...(waitsFor === undefined ? {} : { waitsFor }) };
      real.streams.fold({ kind: 'append', sequence: ++real.sequence, at: 1, name: name(stream), wakeTimes });
    };
    const enqueue = (model: Model, real: Real, key: string): void => {
      const stream = `s${model.next++}`;
      real.streams.fold({ kind: 'request', sequence: ++real.sequence, at: 1, name: name(stream), size: 10 });
      append(real, stream, `0/1/${pool}/${key}`);
      model.waiting.set(key, [...(model.waiting.get(key) ?? []), stream]);
    };
    /** An event adds one attempt, or looks at the first one of a key, behind one that waits no longer. */
    const MOST_MOVES = 6;
    const measured = (run: () => void): void => {
      for (const move of moves) move.mockClear();
      run();
      expect(moves.reduce((sum, { mock }) => sum + mock.calls.length, 0)).toBeLessThanOrEqual(MOST_MOVES);
    };
    const wait = (key: string) => command<Model, Real>(`wait for ${key}`, (model, real) => measured(() => enqueue(model, real, key)));
    const start = (key: string) =>
      command<Model, Real>(`start of ${key}`, (model, real) => {
        const [first, ...others] = model.waiting.get(key) ?? [];
        if (first === undefined) return;
        measured(() => {
          const found = real.streams.waiting.pools
            .get(pool)
            ?.add('f' as FunctionName, key)
            .first(1);
          expect(found?.map(({ stream }) => String(stream.name.stream))).toEqual([first]);
          append(real, first);
        });
        model.waiting.set(key, others);
      });
    const keys = fc.oneof(fc.nat(3), fc.nat(MANY - 1)).map((number) => `key-${number}`);
    const commands = fc.commands([keys.map(wait), keys.map(start)], { maxCommands: 200, size: 'max' });
    fc.assert(
      fc.property(commands, (given) =>
        fc.modelRun(() => {
          const streams = new OpenStreams({ patienceInMs: 100, unknownGraceInMs: 10, maxAgeOf: () => 1e12 });
          const [model, real]: [Model, Real] = [
            { waiting: new Map(), next: 0 },
            { streams, sequence: 0 },
          ];
          for (let number = 0; number < MANY; number++) enqueue(model, real, `key-${number}`);
          return { model, real };
        }, given),
      ),
      { numRuns: 6 },
    );
    vi.restoreAllMocks();
  });
});
