import { z } from 'zod';
import { ConflictError } from '#src/core/errors.ts';
import { type PoolId, projectOfPool } from '#src/core/functions/flow.ts';
import { isRateText } from '#src/core/functions/rate.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { encodedBytesOf, MAX_KEY_BYTES } from './holder-room.ts';
import { type Bucket, bucketIdOf, type LedgerEntry, type Spill, type Spilled } from './ledger-entry.ts';

/** How many buckets an entry holds itself, and how many bytes, so that it stays a message. */
export const MAX_BUCKETS = 4_096;
const MAX_BUCKET_BYTES = 300_000;
/** How many buckets leave an entry together. */
const SPILL = 2_048;
/** With so many spills, further keys wait until one has all of its tokens again. */
export const MAX_SPILLS = 256;
/** A rate, a time, and the characters between them. */
const BYTES_BESIDE_KEY = 48;
/** The clocks of two processes differ by less. */
const CLOCKS_DIFFER_BY_MS = 60_000;

const PREFIX = 'spill.';
const MICROS = 1_000;
const bucketsSchema = z.array(z.tuple([z.custom<Bucket[0]>((text) => typeof text === 'string' && isRateText(text)), z.string(), z.int()]));

/** Whether a key of the ledger is a spill, and no entry of a pool. */
export function isSpillKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

/** The entry that is written, the spills that the write makes, and the keys of those that it ends. */
type Fitted = { entry: LedgerEntry; made: ReadonlyMap<string, readonly Bucket[]>; ended: readonly string[] };

/** The buckets of the spills of an entry, for a process that only reads. */
export async function readSpills(pool: PoolId, store: Pick<KeyValue, 'get'>, entry: LedgerEntry): Promise<Spilled> {
  const readOnly = { get: store.get, put: refuse, delete: refuse };
  const spilled = new SpilledBuckets(pool, readOnly);
  await spilled.load(entry, 0);
  return spilled;
}

const refuse = (): Promise<never> => Promise.reject(new Error('a reader of the ledger changes nothing'));

/**
 * The buckets of a pool that its entry has no room for (RATE1). Many keys with a long period lack tokens at one moment.
 *
 * A spill is a key of its own that is written once, before the entry that names it, and never changed. So an entry and the spills that it names are
 * one state, which the compare-and-set of the entry changes as a whole. A key that is in several spills has the latest time of them.
 */
export class SpilledBuckets implements Spilled {
  readonly #pool: PoolId;
  readonly #room: SpillRoom;
  readonly #store: Pick<KeyValue, 'get' | 'put' | 'delete'>;
  /** The buckets of each spill that the entry names. */
  readonly #known = new Map<string, readonly Bucket[]>();
  /** The latest time of each bucket in all of them, so that a look-up costs the same for any number of spills. */
  readonly #latest = new Map<string, number>();

  constructor(pool: PoolId, store: Pick<KeyValue, 'get' | 'put' | 'delete'>, room = new SpillRoom()) {
    this.#pool = pool;
    this.#room = room;
    this.#store = store;
  }

  /** Reads the spills of an entry that are not in memory, and forgets those that the entry names no more. */
  async load(entry: LedgerEntry, now: number): Promise<void> {
    this.keepNamed(entry, now);
    const missing = (entry.spills ?? []).filter(([id]) => !this.#known.has(id));
    await Promise.all(missing.map(async ([id]) => this.#add(id, await this.#read(id))));
  }

  /** Forgets the spills that an entry names no more, so that a pool without work keeps neither memory nor room of its project. */
  keepNamed({ spills = [] }: Pick<LedgerEntry, 'spills'>, now: number): void {
    if (this.#known.size === 0) return;
    const named = new Set(spills.map(([id]) => id));
    const left = [...this.#known].filter(([id]) => !named.has(id));
    for (const [id] of left) this.#known.delete(id);
    this.#room.count(this.#pool, -left.length);
    const overInMicros = (now + CLOCKS_DIFFER_BY_MS) * MICROS;
    // A spill ends when all of its buckets are full. One that leaves before may hide earlier times of others: the ledger was restored.
    if (left.some(([, buckets]) => lastOf(buckets) > overInMicros)) {
      this.#latest.clear();
      for (const buckets of this.#known.values()) this.#fold(buckets);
      return;
    }
    for (const [rate, key, fullAt] of left.flatMap(([, buckets]) => buckets)) {
      const bucket = bucketIdOf({ rate, key });
      if (this.#latest.get(bucket) === fullAt) this.#latest.delete(bucket);
    }
  }

  /** When a bucket is full again by the spills, in microseconds since the epoch; 0 when none of them has it. */
  fullAtOf(id: string): number {
    return this.#latest.get(id) ?? 0;
  }

  get hasRoom(): boolean {
    return this.#room.hasRoomFor(this.#pool);
  }

  /** Writes an entry and its spills. `put` writes the entry, and throws `ConflictError` when another process wrote before. */
  async write(
    changed: LedgerEntry,
    now: number,
    put: (entry: LedgerEntry) => Promise<number>,
  ): Promise<{ entry: LedgerEntry; written: number }> {
    const { entry, made, ended } = await this.#fit(changed, now * MICROS);
    try {
      const written = await put(entry);
      for (const [id, buckets] of made) this.#add(id, buckets);
      this.keepNamed(entry, now);
      this.#delete(ended);
      return { entry, written };
    } catch (error) {
      // Without an answer, the entry may name them.
      if (error instanceof ConflictError) this.#delete([...made.keys()].map((id) => this.#keyOf(id)));
      throw error;
    }
  }

  /** Makes room in an entry that is to be written: spills whose buckets are full leave it, and buckets beyond its bound become spills. */
  async #fit(entry: LedgerEntry, nowInMicros: number): Promise<Fitted> {
    const { buckets = [], spills = [] } = entry;
    const present = spills.filter(([, fullAt]) => fullAt > nowInMicros);
    const ended = spills.filter(([, fullAt]) => fullAt <= nowInMicros).map(([id]) => this.#keyOf(id));
    const made = new Map<string, readonly Bucket[]>();
    let from = 0;
    // The tokens that are held when the entry names the most spills are used later, so it may name a few more.
    for (; isTooLarge(buckets, from); from += SPILL) made.set(crypto.randomUUID(), buckets.slice(from, from + SPILL));
    if (ended.length + made.size === 0) return { entry, made, ended };
    for (const [id, spilled] of made) await this.#store.put(this.#keyOf(id), JSON.stringify(spilled), 0);
    const named = [...present, ...[...made].map(([id, spilled]): Spill => [id, lastOf(spilled)])];
    const { spills: _, buckets: __, ...rest } = entry;
    const left = buckets.slice(from);
    const fitted = { ...rest, ...(left.length === 0 ? {} : { buckets: left }), ...(named.length === 0 ? {} : { spills: named }) };
    return { entry: fitted, made, ended };
  }

  /** Deletes spills that no entry names. One that stays after the death of a process is never read. */
  #delete(keys: readonly string[]): void {
    for (const key of keys) void this.#store.delete(key).catch(() => {});
  }

  /** A spill is missing after the server lost acknowledged data. Its buckets are full then, as those of an entry that is missing. */
  async #read(id: string): Promise<readonly Bucket[]> {
    const found = await this.#store.get(this.#keyOf(id));
    return found === undefined ? [] : bucketsSchema.parse(parseJson(found.value));
  }

  #add(id: string, buckets: readonly Bucket[]): void {
    if (!this.#known.has(id)) this.#room.count(this.#pool, 1);
    this.#known.set(id, buckets);
    this.#fold(buckets);
  }

  #fold(buckets: readonly Bucket[]): void {
    for (const [rate, key, fullAt] of buckets) {
      const bucket = bucketIdOf({ rate, key });
      if (fullAt > this.fullAtOf(bucket)) this.#latest.set(bucket, fullAt);
    }
  }

  #keyOf(id: string): string {
    return `${PREFIX}${this.#pool}.${id}`;
  }
}

/** The spills of all pools of one project that a process knows. One holds up to 2,048 keys, and takes up to 600 KB of memory. */
const MAX_SPILLS_OF_PROJECT = 512;

/**
 * How many spills the pools of each project have. A process knows the pools that it serves, and keeps their spills in memory: without a bound, the keys
 * of one project would take the memory of all others (SHARE1). The own project, whose functions are the operator's, has no bound but that of a pool.
 */
export class SpillRoom {
  readonly #counts = new Map<string, number>();

  count(pool: PoolId, change: number): void {
    const project = projectOfPool(pool);
    if (project === undefined || change === 0) return;
    const count = (this.#counts.get(project) ?? 0) + change;
    if (count === 0) this.#counts.delete(project);
    else this.#counts.set(project, count);
  }

  hasRoomFor(pool: PoolId): boolean {
    const project = projectOfPool(pool);
    return project === undefined || (this.#counts.get(project) ?? 0) < MAX_SPILLS_OF_PROJECT;
  }
}

function isTooLarge(buckets: readonly Bucket[], from: number): boolean {
  const count = buckets.length - from;
  if (count > MAX_BUCKETS) return true;
  if (count * (MAX_KEY_BYTES + BYTES_BESIDE_KEY) <= MAX_BUCKET_BYTES) return false;
  let bytes = 0;
  for (let at = from; at < buckets.length; at++) bytes += BYTES_BESIDE_KEY + encodedBytesOf(buckets[at]?.[1] ?? '');
  return bytes > MAX_BUCKET_BYTES;
}

function lastOf(buckets: readonly Bucket[]): number {
  return buckets.reduce((latest, [, , fullAt]) => Math.max(latest, fullAt), 0);
}
