import { z } from 'zod';
import { ConflictError } from '#src/core/errors.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import { isRateText } from '#src/core/functions/rate.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { parseJson } from '#src/core/text/json.ts';
import { type Bucket, bucketIdOf, type LedgerEntry, type Spill } from './ledger-entry.ts';

/** How many buckets an entry holds itself, so that it stays a message. */
export const MAX_BUCKETS = 4_096;
/** How many buckets leave an entry together. */
const SPILL = 2_048;
/** How many spills an entry names. With so many, further keys wait until one has all of its tokens again. */
export const MAX_SPILLS = 256;

const PREFIX = 'spill.';
const MICROS = 1_000;
const bucketsSchema = z.array(z.tuple([z.custom<Bucket[0]>((text) => typeof text === 'string' && isRateText(text)), z.string(), z.int()]));

/** Whether a key of the ledger is a spill, and no entry of a pool. */
export function isSpillKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

type Known = ReadonlyMap<string, number>;
/** The entry that is written, and the keys of the spills that the write makes and ends. */
export type Fitted = { entry: LedgerEntry; made: readonly string[]; ended: readonly string[] };

/**
 * The buckets of a pool that its entry has no room for (RATE1). Many keys with a long period lack tokens at one moment.
 *
 * A spill is a key of its own that is written once, before the entry that names it, and never changed. So an entry and the spills that it names are
 * one state, which the compare-and-set of the entry changes as a whole. A key that is in several spills has the latest time of them.
 */
export class SpilledBuckets {
  readonly #pool: PoolId;
  readonly #store: KeyValue;
  readonly #known = new Map<string, Known>();

  constructor(pool: PoolId, store: KeyValue) {
    this.#pool = pool;
    this.#store = store;
  }

  /** Reads the spills of an entry that are not in memory, and forgets those that the entry names no more. */
  async load({ spills = [] }: LedgerEntry): Promise<void> {
    if (spills.length === 0 && this.#known.size === 0) return;
    const named = new Set(spills.map(([id]) => id));
    for (const id of this.#known.keys()) if (!named.has(id)) this.#known.delete(id);
    const missing = spills.filter(([id]) => !this.#known.has(id));
    await Promise.all(missing.map(async ([id]) => void this.#known.set(id, await this.#read(id))));
  }

  /** When a bucket is full again by the spills, in microseconds since the epoch; 0 when none of them has it. */
  readonly fullAtOf = (id: string): number => {
    let latest = 0;
    for (const known of this.#known.values()) latest = Math.max(latest, known.get(id) ?? 0);
    return latest;
  };

  /** Writes an entry and its spills. `put` writes the entry, and throws `ConflictError` when another process wrote before. */
  async write(
    changed: LedgerEntry,
    now: number,
    put: (entry: LedgerEntry) => Promise<number>,
  ): Promise<{ entry: LedgerEntry; written: number }> {
    const { entry, made, ended } = await this.fit(changed, now * MICROS);
    try {
      const written = await put(entry);
      this.#delete(ended);
      return { entry, written };
    } catch (error) {
      // Without an answer, the entry may name them.
      if (error instanceof ConflictError) this.#delete(made);
      throw error;
    }
  }

  /** Makes room in an entry that is to be written: spills whose buckets are full leave it, and buckets beyond its bound become a spill. */
  async fit(entry: LedgerEntry, nowInMicros: number): Promise<Fitted> {
    const { buckets = [], spills = [] } = entry;
    const present = spills.filter(([, fullAt]) => fullAt > nowInMicros);
    const ended = spills.filter(([, fullAt]) => fullAt <= nowInMicros).map(([id]) => this.#keyOf(id));
    if (ended.length === 0 && buckets.length <= MAX_BUCKETS) return { entry, made: [], ended };
    const added = buckets.length > MAX_BUCKETS && present.length < MAX_SPILLS ? [await this.#spill(buckets.slice(0, SPILL))] : [];
    const named = [...present, ...added];
    const { spills: _, ...rest } = { ...entry, buckets: added.length === 0 ? entry.buckets : buckets.slice(SPILL) };
    return { entry: named.length === 0 ? rest : { ...rest, spills: named }, made: added.map(([id]) => this.#keyOf(id)), ended };
  }

  /** Deletes spills that no entry names. One that stays after the death of a process is never read. */
  #delete(keys: readonly string[]): void {
    for (const key of keys) void this.#store.delete(key).catch(() => {});
  }

  async #spill(buckets: readonly Bucket[]): Promise<Spill> {
    const id = crypto.randomUUID();
    await this.#store.put(this.#keyOf(id), JSON.stringify(buckets), 0);
    this.#known.set(id, mapOf(buckets));
    return [id, buckets.reduce((latest, [, , fullAt]) => Math.max(latest, fullAt), 0)];
  }

  /** A spill is missing after the server lost acknowledged data. Its buckets are full then, as those of an entry that is missing. */
  async #read(id: string): Promise<Known> {
    const found = await this.#store.get(this.#keyOf(id));
    return mapOf(found === undefined ? [] : bucketsSchema.parse(parseJson(found.value)));
  }

  #keyOf(id: string): string {
    return `${PREFIX}${this.#pool}.${id}`;
  }
}

function mapOf(buckets: readonly Bucket[]): Known {
  return new Map(buckets.map(([rate, key, fullAt]) => [bucketIdOf({ rate, key }), fullAt]));
}
