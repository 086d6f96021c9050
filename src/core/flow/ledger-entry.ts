import { z } from 'zod';
import type { OnRetry, PoolId } from '#src/core/functions/flow.ts';
import { isRateText, type RateText } from '#src/core/functions/rate.ts';
import { parseJson } from '#src/core/text/json.ts';

/**
 * One entry of the ledger of slots: which attempts hold a slot of a pool, and which attempts get the next ones.
 *
 * The ledger is a key-value bucket with one entry for each pool, changed only by compare-and-set. An attempt is named as the log names it.
 * No process holds a slot, so the death of a process frees none and blocks none.
 */
export type LedgerEntry = {
  holders: readonly Attempt[];
  waiters: readonly Waiter[];
  /** The buckets that lack tokens; absent when all are full. */
  buckets?: readonly Bucket[] | undefined;
  /** Where further buckets are that lack tokens; absent when the entry has room for all of them. */
  spills?: readonly Spill[] | undefined;
};

/** The tokens of a rate and a key: when the bucket is full again, in microseconds since the epoch. */
export type Bucket = readonly [rate: RateText, key: string, fullAtInMicros: number];

/** Buckets beside the entry: their id in the ledger, and when the last one of them is full again, in microseconds since the epoch. */
export type Spill = readonly [id: string, fullAtInMicros: number];

/** When a bucket beside the entry is full again, in microseconds; 0 when it is not there. */
export type SpilledAt = (id: string) => number;

/** What a bucket is called in maps. */
export function bucketIdOf({ rate, key }: { rate: RateText; key: string }): string {
  return `${rate} ${key}`;
}

/** An attempt of the log, or the next one. */
export type Attempt = {
  /** The key; empty for a function without keys. */
  key: string;
  function: string;
  invocation: string;
  attempt: number;
  /** The sequence of the request message. */
  request: number;
  /** The rate of which the attempt needs a token, or holds one that it has not used: the log does not show yet that it started. */
  rate?: RateText | undefined;
  /** A holder that needed a token alone, and takes no slot. */
  isSlotless?: boolean | undefined;
  /** Of a function whose order is that of the log: whether a failed attempt keeps its slot for the next attempt (SLOT7). */
  fifo?: OnRetry | undefined;
};

/** The limits that a function sets for its own attempts. It compares them with all holders of the pool. */
type Limits = {
  /** Of the holders with the same key; absent for a function without keys. */
  perKey?: number | undefined;
  /** Of all holders. */
  total?: number | undefined;
};

/** An attempt that waits in the log, and gets one of the next slots. */
export type Waiter = Attempt &
  Limits & {
    /** Of a function with priorities: the place in the queue of the key, in milliseconds. The least one is the next (SLOT8). */
    rank?: number | undefined;
    /** Since when the limits let the attempt start, and the worker that found it had no place for it (SLOT5). */
    freeSince?: number | undefined;
  };

/** The key of the entry of a pool, in the bucket of the ledger. */
export function entryKeyOf(pool: PoolId): string {
  return pool;
}

const rateText = z.custom<RateText>((text) => typeof text === 'string' && isRateText(text));
const attemptShape = {
  k: z.string(),
  f: z.string(),
  i: z.string(),
  a: z.int().min(1),
  r: z.int().min(0),
  o: z.enum(['hold', 'pass']).optional(),
  rate: rateText.optional(),
};
const entrySchema = z.object({
  holders: z.array(z.object({ ...attemptShape, slotless: z.boolean().optional() })),
  waiters: z.array(
    z.object({
      ...attemptShape,
      perKey: z.int().optional(),
      total: z.int().optional(),
      rank: z.number().optional(),
      free: z.number().optional(),
    }),
  ),
  buckets: z.array(z.tuple([rateText, z.string(), z.int()])).optional(),
  spills: z.array(z.tuple([z.string(), z.int()])).optional(),
});

export const NO_SLOTS: LedgerEntry = { holders: [], waiters: [] };

/** Reads an entry. A missing entry has no holders. Throws for an entry that cannot be read, because no slot may be given by it. */
export function decodeLedgerEntry(text: string | undefined): LedgerEntry {
  if (text === undefined) return NO_SLOTS;
  const { holders, waiters, buckets, spills } = entrySchema.parse(parseJson(text));
  return {
    ...(buckets === undefined ? {} : { buckets }),
    ...(spills === undefined ? {} : { spills }),
    holders: holders.map(attemptOf),
    waiters: waiters.map(({ perKey, total, rank, free, ...attempt }) => ({
      ...attemptOf(attempt),
      perKey,
      total,
      ...optional(rank, free),
    })),
  };
}

export function encodeLedgerEntry({ holders, waiters, buckets, spills }: LedgerEntry): string {
  return JSON.stringify({
    buckets,
    spills,
    holders: holders.map(writtenOf),
    waiters: waiters.map(({ perKey, total, rank, freeSince: free, ...attempt }) => ({ ...writtenOf(attempt), perKey, total, rank, free })),
  });
}

function optional(rank: number | undefined, freeSince: number | undefined): Pick<Waiter, 'rank' | 'freeSince'> {
  return { ...(rank === undefined ? {} : { rank }), ...(freeSince === undefined ? {} : { freeSince }) };
}

type Written = z.infer<typeof entrySchema>['holders'][number];

function attemptOf({ k: key, f, i: invocation, a: attempt, r: request, o: fifo, rate, slotless }: Written): Attempt {
  const known = { key, function: f, invocation, attempt, request, ...(fifo === undefined ? {} : { fifo }) };
  return { ...known, ...(rate === undefined ? {} : { rate }), ...(slotless ? { isSlotless: true } : {}) };
}

function writtenOf({ key: k, function: f, invocation: i, attempt: a, request: r, fifo: o, rate, isSlotless: slotless }: Attempt): Written {
  return { k, f, i, a, r, o, rate, slotless };
}
