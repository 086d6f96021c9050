import { ConflictError } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { type AcceptBucket, refill, timeUntil } from '#src/core/quotas/accept-bucket.ts';

export type Rate = { rate: number; burst: number };

type Options = { store: KeyValue; key: string; clock: Pick<Clock, 'now'>; rate: () => Rate };

/** A gateway takes the tokens of this time at once, so that it writes the entry at most ten times a second. */
const CHUNK_IN_MS = 100;
/** Tokens that a gateway has taken and not used are dropped, so that they do not add up to a further burst. */
const USE_WITHIN_MS = 1_000;
const MAX_CONFLICTS = 20;

/**
 * The accept rate of one project, which all gateways share.
 *
 * The bucket is one entry of a store. It changes by compare-and-set alone, so no token is taken twice (QUO2). A gateway takes several tokens at
 * once, and uses them within a second.
 */
export class AcceptRate {
  readonly #options: Options;
  #taken = 0;
  #takenAt = 0;
  /** The bucket is empty until then, whatever other gateways do: no process puts tokens back into the entry. */
  #emptyUntil = 0;
  #taking: Promise<unknown> = Promise.resolve();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Takes tokens. Returns 0, or after how many milliseconds the tokens may be there; nothing is taken then. */
  take(count: number): number | Promise<number> {
    if (this.#use(count)) return 0;
    const taken = this.#taking.then(() => this.#takeFromEntry(count));
    this.#taking = taken.catch(() => {});
    return taken;
  }

  /** Gives back tokens of requests that the log had accepted before. */
  giveBack(count: number): void {
    this.#taken += count;
  }

  #use(count: number): boolean {
    const { clock } = this.#options;
    if (clock.now() - this.#takenAt > USE_WITHIN_MS) this.#taken = 0;
    if (this.#taken < count) return false;
    this.#taken -= count;
    return true;
  }

  async #takeFromEntry(count: number): Promise<number> {
    const { store, key, clock } = this.#options;
    for (let conflicts = 0; ; conflicts++) {
      // A caller before this one may have taken enough.
      if (this.#use(count)) return 0;
      const rate = this.#options.rate();
      const missing = count - this.#taken;
      const wait = this.#emptyUntil - clock.now();
      if (wait > 0) return Math.max(wait, timeUntil(missing, { at: 0, tokens: 0 }, rate));
      const stored = await store.get(key);
      const bucket = refill(parseBucket(stored?.value), clock.now(), rate);
      if (bucket.tokens < missing) return this.#recordMissing(missing, bucket, rate);
      const chunk = Math.min(Math.floor(bucket.tokens), Math.max(missing, Math.ceil((rate.rate * CHUNK_IN_MS) / 1_000)));
      const next = { at: bucket.at, tokens: bucket.tokens - chunk };
      if (await this.#isStored(next, stored?.revision ?? 0, conflicts < MAX_CONFLICTS)) {
        this.#taken += chunk;
        this.#takenAt = clock.now();
      }
    }
  }

  /** Whether the bucket was stored; false after a change by another gateway. */
  async #isStored(bucket: AcceptBucket, expected: number, mayRepeat: boolean): Promise<boolean> {
    const { store, key } = this.#options;
    try {
      await store.put(key, JSON.stringify(bucket), expected);
      return true;
    } catch (error) {
      if (error instanceof ConflictError && mayRepeat) return false;
      throw error;
    }
  }

  #recordMissing(missing: number, bucket: AcceptBucket, rate: Rate): number {
    if (bucket.tokens < 1) this.#emptyUntil = this.#options.clock.now() + timeUntil(1, bucket, rate);
    return Math.max(1, timeUntil(missing, bucket, rate));
  }
}

function parseBucket(text: string | undefined): AcceptBucket | undefined {
  const found = text === undefined ? undefined : (parseJson(text) as Partial<AcceptBucket> | undefined);
  return typeof found?.at === 'number' && typeof found.tokens === 'number' ? { at: found.at, tokens: found.tokens } : undefined;
}
