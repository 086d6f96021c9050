import { z } from 'zod';
import type { OnRetry, PoolId } from '#src/core/functions/flow.ts';
import { isRateText, type RateText } from '#src/core/functions/rate.ts';
import { parseJson } from '#src/core/json/json.ts';

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

/** The buckets beside an entry. */
export interface Spilled {
  /** When a bucket is full again, in microseconds; 0 when it is not there. */
  fullAtOf(id: string): number;
  /** Whether the project of the pool may have further ones. */
  readonly hasRoom: boolean;
}

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

/** An attempt as the text of an entry has it. Absent fields are `undefined`, so that all have one shape: an entry is read and written very often. */
type Written = {
  k: string;
  f: string;
  i: string;
  a: number;
  r: number;
  o: OnRetry | undefined;
  rate: RateText | undefined;
  slotless: true | undefined;
  perKey: number | undefined;
  total: number | undefined;
  rank: number | undefined;
  free: number | undefined;
};

export const NO_SLOTS: LedgerEntry = { holders: [], waiters: [] };

const bucketsSchema = z.array(z.tuple([z.custom<RateText>(isRate), z.string(), z.int()])).optional();
const spillsSchema = z.array(z.tuple([z.string(), z.int()])).optional();

/**
 * Reads an entry. A missing entry has no holders. Throws for an entry that cannot be read, because no slot may be given by it.
 *
 * The attempts are checked by hand: every process reads every entry of its pools, and a schema takes three times as long.
 */
export function decodeLedgerEntry(text: string | undefined): LedgerEntry {
  if (text === undefined) return NO_SLOTS;
  const { holders, waiters, buckets, spills } = Object(parseJson(text)) as Record<string, unknown>;
  if (!Array.isArray(holders) || !Array.isArray(waiters)) throw new TypeError('an entry of the ledger has no holders or no waiters');
  return {
    ...(buckets === undefined ? {} : { buckets: bucketsSchema.parse(buckets) }),
    ...(spills === undefined ? {} : { spills: spillsSchema.parse(spills) }),
    holders: holders.map((one) => holderOf(checked(one))),
    waiters: waiters.map((one) => waiterOf(checked(one))),
  };
}

export function encodeLedgerEntry({ holders, waiters, buckets, spills }: LedgerEntry): string {
  return JSON.stringify({ buckets, spills, holders: holders.map(writtenOf), waiters: waiters.map(writtenOf) });
}

function checked(value: unknown): Written {
  const one = Object(value) as Written;
  const { k, f, i, a, r, o, rate, slotless, perKey, total, rank, free } = one;
  const isNamed = typeof k === 'string' && typeof f === 'string' && typeof i === 'string';
  const isNumbered = Number.isSafeInteger(a) && a >= 1 && Number.isSafeInteger(r) && r >= 0;
  const isLimited = isLimit(perKey) && isLimit(total);
  const isTimed = isTime(rank) && isTime(free);
  const isOrdered = o === undefined || o === 'hold' || o === 'pass';
  const isFlagged = slotless === undefined || typeof slotless === 'boolean';
  if (isNamed && isNumbered && isLimited && isTimed && isOrdered && isFlagged && (rate === undefined || isRate(rate))) return one;
  throw new TypeError(`an attempt of the ledger cannot be read: ${JSON.stringify(value)}`);
}

function isLimit(value: unknown): boolean {
  return value === undefined || Number.isSafeInteger(value);
}

function isTime(value: unknown): boolean {
  return value === undefined || typeof value === 'number';
}

function isRate(text: unknown): text is RateText {
  return typeof text === 'string' && isRateText(text);
}

function holderOf({ k: key, f, i: invocation, a: attempt, r: request, o: fifo, rate, slotless }: Written): Attempt {
  return { key, function: f, invocation, attempt, request, rate, isSlotless: slotless ? true : undefined, fifo };
}

function waiterOf({
  k: key,
  f,
  i: invocation,
  a: attempt,
  r: request,
  o: fifo,
  rate,
  perKey,
  total,
  rank,
  free: freeSince,
}: Written): Waiter {
  return { key, function: f, invocation, attempt, request, rate, fifo, perKey, total, rank, freeSince };
}

function writtenOf(one: Attempt & Partial<Waiter>): Written {
  const { key: k, function: f, invocation: i, attempt: a, request: r, fifo: o, rate, perKey, total, rank, freeSince: free } = one;
  return { k, f, i, a, r, o, rate, slotless: one.isSlotless ? true : undefined, perKey, total, rank, free };
}
