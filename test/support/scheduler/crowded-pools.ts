import type { Waiter } from '#src/core/flow/ledger-entry.ts';
import type { ExecutionSlotOwner } from '#src/core/flow/pool-execution-slots.ts';
import { createSlotLedger } from '#src/core/flow/slot-ledger.ts';
import { type FunctionDefinitionInput, functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { type Flow, type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { agingOf } from '#src/core/functions/priority.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';
import { watchWaits } from '#src/scheduler/waits/watch-waits.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { schedulerOptions } from './scheduler-options.ts';

const START = Date.UTC(2026, 0, 1);
const PATIENCE_MS = 5_000;

export type CrowdedPools = {
  /** The flow of every function. With a pool, all functions share it. */
  flow: NonNullable<FunctionDefinitionInput['flow']>;
  functions: number;
  keys: number;
  /** The concurrency of each function in the only worker. */
  places: number;
  /** How many functions are paused, the first ones. */
  paused?: number;
  /** The watch brings the newest entry to the scheduler once in this number of turns; 0: it brings every entry at once. */
  watchedEach?: number;
  onStart?: (waiter: Waiter) => void;
};

/**
 * The state of a real scheduler and of the ledger of one worker, beside a log of which only the headers are folded, so that a million requests can
 * wait. Every execution ends at once. The store answers in a later turn of the event loop, as a server does.
 */
export function openCrowdedPools({ flow, functions, keys, places, paused = 0, watchedEach = 0, onStart = () => {} }: CrowdedPools) {
  const clock = createVirtualClock(START);
  const store = answeringLater(createMemoryKeyValue());
  const watched = watchedEach === 0 ? { store, bring: () => {} } : watchedLate(store);
  let turns = 0;
  const closing = new AbortController();
  const names = Array.from({ length: functions }, (_, number) => `fn-${number}` as FunctionName);
  const entries = new Map(names.map((name, number) => [name, entryOf(name, flow, number < paused)]));
  const options = schedulerOptions(createMemoryLog({ clock }), {
    ...{ clock, flow: watched.store, patienceInMs: PATIENCE_MS },
    functions: { get: (name) => entries.get(name) },
  });
  const waits = watchWaits(options, () => streams, closing.signal);
  const streams: OpenStreams = new OpenStreams({
    ...{ patienceInMs: PATIENCE_MS, unknownGraceInMs: 10, maxAgeOf: () => 1e12, onWait: waits.onWait },
    agingOf: (name) => agingOf(entries.get(name)?.definition.flow ?? {}),
  });
  waits.ledger.watch();
  const ledger = createSlotLedger({ store, clock, logger: silentLogger, epoch: () => 0, signal: closing.signal });
  const granted: { pool: PoolId; waiter: Waiter }[] = [];
  let sequence = 0;
  let started = 0;

  function enqueue(number: number): void {
    const name = names[number % functions] as FunctionName;
    const key = flow.key === undefined ? '' : `customer-${Math.floor(number / functions) % keys}`;
    const stream = { function: name, stream: idOf(number) };
    streams.fold({ kind: 'request', sequence: ++sequence, at: START, name: stream, size: 100 });
    const waitsFor = `0/1/${poolOf(name, flow as Flow)}/${key}`;
    streams.fold({ kind: 'append', sequence: ++sequence, at: START, name: stream, wakeTimes: { inProgressSince: START, waitsFor } });
  }

  function end({ pool, waiter }: { pool: PoolId; waiter: Waiter }): void {
    const stream = { function: waiter.function as FunctionName, stream: waiter.invocation as StreamId };
    streams.fold({ kind: 'append', sequence: ++sequence, at: START, name: stream, wakeTimes: { inProgressSince: START } });
    if (waiter.rate !== undefined) ledger.start(pool, waiter);
    streams.fold({ kind: 'append', sequence: ++sequence, at: START, name: stream, wakeTimes: {} });
    ledger.release(pool, waiter);
    started++;
    onStart(waiter);
  }

  return {
    streams,
    store,
    waits,
    clock,
    enqueue,
    get started() {
      return started;
    },
    get longestEntry() {
      return store.longest;
    },
    /** The worker takes attempts of the functions from a number on, from now on. */
    serve(first = 0): void {
      for (const name of names.slice(first))
        ledger.serve(
          poolOf(name, flow as Flow),
          ownerOf(name, places, (one) => granted.push(one)),
        );
    },
    /** One turn: the attempts that got slots since the last one run and end, and the scheduler looks at what is due after a time. */
    turn(passedInMs = 0): void {
      if (passedInMs > 0) clock.moveTo(clock.now() + passedInMs);
      if (++turns % watchedEach === 0) watched.bring();
      for (const one of granted.splice(0)) end(one);
      waits.check(clock.now());
    },
    close: () => closing.abort(),
  };
}

function entryOf(name: FunctionName, flow: CrowdedPools['flow'], paused: boolean): FunctionEntry {
  return { definition: functionDefinitionSchema.parse({ name, handler: { kind: 'inline' }, flow, paused }) } as FunctionEntry;
}

function idOf(number: number): StreamId {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(number, 3);
  return createStreamId(START, bytes);
}

function ownerOf(name: FunctionName, places: number, onStart: (one: { pool: PoolId; waiter: Waiter }) => void): ExecutionSlotOwner {
  let held = 0;
  const waiting: (() => void)[] = [];
  const take = (): boolean => held < places && ++held > 0;
  const release = (): void => {
    held--;
    if (waiting.length > 0 && take()) waiting.shift()?.();
  };
  return {
    function: name,
    takeExecutionSlot: take,
    waitForExecutionSlot: () => new Promise((resolve) => (take() ? resolve(true) : waiting.push(() => resolve(true)))),
    releaseExecutionSlot: release,
    start(pool, waiter) {
      onStart({ pool, waiter });
      release();
    },
  };
}

function answeringLater(store: KeyValue): KeyValue & { readonly longest: number } {
  const later = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    await new Promise(setImmediate);
    return await call();
  };
  let longest = 0;
  return {
    ...store,
    get longest() {
      return longest;
    },
    get: (key) => later(() => store.get(key)),
    put(key, value, expected) {
      longest = Math.max(longest, value.length);
      return later(() => store.put(key, value, expected));
    },
  };
}

/** A bucket that keeps one revision of each key, so a late watch brings the newest entry only. */
function watchedLate(store: KeyValue): { store: KeyValue; bring: () => void } {
  type Change = Parameters<Parameters<KeyValue['watch']>[0]>[0];
  const newest = new Map<string, Change>();
  const watchers: ((change: Change) => void)[] = [];
  return {
    store: {
      ...store,
      async watch(onChange, signal) {
        await store.watch((change) => void newest.set(change.key, change), signal);
        watchers.push(onChange);
      },
    },
    bring() {
      for (const change of newest.values()) for (const onChange of watchers) onChange(change);
      newest.clear();
    },
  };
}
