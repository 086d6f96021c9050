import { attemptIdOf } from '#src/core/flow/entry-change.ts';
import type { Attempt, LedgerEntry, SpilledAt, Waiter } from '#src/core/flow/ledger-entry.ts';
import { TokenBuckets } from '#src/core/flow/token-buckets.ts';

/** What an entry says, counted once for all keys. */
export type EntryCounts = {
  /** How many attempts of each key hold a slot, and of all keys. */
  held: ReadonlyMap<string, number>;
  slots: number;
  /** How many attempts of each key are waiters. */
  listed: ReadonlyMap<string, number>;
  /** The attempts that the entry names, and the holders among them. */
  named: ReadonlySet<string>;
  holders: ReadonlySet<string>;
  /** The waiters of a function and a key, by the id of their queue. */
  waiters: ReadonlyMap<string, readonly Waiter[]>;
  tokens: TokenBuckets;
  now: number;
};

export function countEntry(entry: LedgerEntry, now: number, spilledAt?: SpilledAt): EntryCounts {
  const { holders, waiters } = entry;
  const holding = holders.filter(({ isSlotless }) => !isSlotless);
  const held = new Set(holders.map(attemptIdOf));
  return {
    held: countBy(holding),
    slots: holding.length,
    listed: countBy(waiters),
    named: new Set([...held, ...waiters.map(attemptIdOf)]),
    holders: held,
    waiters: groupByQueue(waiters),
    tokens: new TokenBuckets(entry, now, spilledAt),
    now,
  };
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
