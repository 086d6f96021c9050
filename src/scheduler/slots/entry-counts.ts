import { attemptIdOf } from '#src/core/flow/entry-change.ts';
import type { Attempt, LedgerEntry, Spilled, Waiter } from '#src/core/flow/ledger-entry.ts';
import { TokenBuckets } from '#src/core/flow/token-buckets.ts';
import { isLaterInQueue } from '#src/core/flow/waiter-order.ts';

/** A waiter that no worker started in this time although it may start makes room for others: for its key, and while the entry is full. */
const UNSTARTED_MS = 2_000;

/** What an entry says, counted once for all keys. */
export type EntryCounts = {
  /** How many attempts of each key hold a slot, and of all keys. */
  held: ReadonlyMap<string, number>;
  slots: number;
  /** How many attempts of each key are waiters, or become waiters in this plan: functions of a pool share the slots of a key. Without those of {@link unstarted}. */
  listed: Map<string, number>;
  /** The attempts that the entry names, and the holders among them. */
  named: ReadonlySet<string>;
  holders: ReadonlySet<string>;
  /** The waiters of a function and a key, by the id of their queue. */
  waiters: ReadonlyMap<string, readonly Waiter[]>;
  /** The waiters that no worker started in time, so that other functions may have the slots of their keys. */
  unstarted: readonly Waiter[];
  tokens: TokenBuckets;
  now: number;
};

export function countEntry(entry: LedgerEntry, now: number, spilled?: Spilled): EntryCounts {
  const { holders, waiters } = entry;
  const holding = holders.filter(({ isSlotless }) => !isSlotless);
  const held = new Set(holders.map(attemptIdOf));
  const unstarted = waiters.filter(isUnstartedAt(now));
  return {
    held: countBy(holding),
    slots: holding.length,
    listed: countBy(unstarted.length === 0 ? waiters : waiters.filter((one) => !unstarted.includes(one))),
    unstarted,
    named: new Set([...held, ...waiters.map(attemptIdOf)]),
    holders: held,
    waiters: groupByQueue(waiters),
    tokens: new TokenBuckets(entry, now, spilled),
    now,
  };
}

function isUnstartedAt(now: number): (waiter: Waiter) => boolean {
  return ({ freeSince = Number.POSITIVE_INFINITY }) => freeSince + UNSTARTED_MS <= now;
}

/**
 * The waiters that make room for others: the waiters that no worker started in time. In the order of the log, the later waiters of the same key
 * leave too, because they would start first (SLOT7).
 */
export function leavingOf({ unstarted, waiters }: Pick<EntryCounts, 'unstarted' | 'waiters'>): Waiter[] {
  const later = unstarted.flatMap((first) => {
    if (first.fifo === undefined) return [];
    return (waiters.get(queueIdOf(first.function, first.key)) ?? []).filter((other) => isLaterInQueue(other, first));
  });
  return [...new Set([...unstarted, ...later])];
}

/** An entry as it was read last: its attempts, each with its key, whether it holds a slot, and whether it waits by its rank. */
export type ReadEntry = {
  named: ReadonlyMap<string, { key: string; isHolder: boolean; isRanked: boolean }>;
  waiters: number;
  /** Whether a waiter may start, and the worker that found it had no place for it. */
  isWaitingForWorker: boolean;
};

export function readEntryOf({ holders, waiters }: LedgerEntry = { holders: [], waiters: [] }): ReadEntry {
  const named = new Map<string, { key: string; isHolder: boolean; isRanked: boolean }>();
  for (const one of holders) named.set(attemptIdOf(one), { key: one.key, isHolder: true, isRanked: false });
  for (const one of waiters) named.set(attemptIdOf(one), { key: one.key, isHolder: false, isRanked: one.rank !== undefined });
  return { named, waiters: waiters.length, isWaitingForWorker: waiters.some(({ freeSince }) => freeSince !== undefined) };
}

/** The id of the queue of a function and a key. */
export function queueIdOf(name: string, key: string): string {
  return `${name}/${key}`;
}

function groupByQueue(waiters: readonly Waiter[]): Map<string, Waiter[]> {
  const queues = new Map<string, Waiter[]>();
  for (const waiter of waiters) {
    const id = queueIdOf(waiter.function, waiter.key);
    const queue = queues.get(id);
    if (queue === undefined) queues.set(id, [waiter]);
    else queue.push(waiter);
  }
  return queues;
}

function countBy(attempts: readonly Attempt[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of attempts) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
