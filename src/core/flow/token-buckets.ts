import { parseRateText, type RateText } from '#src/core/functions/rate.ts';
import { greatestOf, leastOf } from '#src/core/least-and-greatest.ts';
import { type Bucket, bucketIdOf, type LedgerEntry, type Spilled } from './ledger-entry.ts';
import { MAX_BUCKETS, MAX_SPILLS } from './spilled-buckets.ts';

const FULL_AGAIN_WITHIN_MS = 1_000;
const MICROS = 1_000;

const NOTHING_SPILLED: Spilled = { fullAtOf: () => 0, hasRoom: true };

/** The tokens that a key needs. */
type TokensOfKey = { rate: RateText; key: string };

/**
 * The token buckets of an entry, while a change of the entry is decided. A bucket is one time (GCRA): when it is full again.
 *
 * - (RATE1) An attempt gets a token only if the used tokens of its bucket and the held ones are fewer than the burst.
 * - (RATE2) A held token is used when the log shows that its attempt started, and comes back after that. Until then it is missing.
 *
 * So in any time, at most the burst and the tokens that came back in that time are used, however long a process stands still between its token and
 * the start of the attempt.
 */
export class TokenBuckets {
  readonly #known: readonly Bucket[];
  readonly #fullAt: Map<string, Bucket>;
  readonly #held = new Map<string, number>();
  readonly #now: number;
  readonly #spilled: Spilled;
  readonly #hasRoom: boolean;
  #isUsed = false;

  constructor({ holders, buckets = [], spills = [] }: LedgerEntry, now: number, spilled: Spilled = NOTHING_SPILLED) {
    this.#now = now * MICROS;
    this.#spilled = spilled;
    this.#hasRoom = buckets.length < MAX_BUCKETS || (spills.length < MAX_SPILLS && spilled.hasRoom);
    this.#known = buckets;
    this.#fullAt = new Map(buckets.map((bucket) => [bucketIdOf({ rate: bucket[0], key: bucket[1] }), bucket]));
    for (const { rate, key } of holders) if (rate !== undefined) this.hold({ rate, key });
  }

  /** The buckets that lack tokens. Full ones are dropped when a token was used, or when all are full. */
  get written(): readonly Bucket[] | undefined {
    const lacking = [...this.#fullAt.values()].filter(([, , fullAt]) => fullAt > this.#now);
    const written = this.#isUsed || lacking.length === 0 ? lacking : this.#known;
    return written.length === 0 ? undefined : written;
  }

  hold(needed: TokensOfKey): void {
    const id = bucketIdOf(needed);
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
  }

  /** A held token is used now. */
  use({ rate, key }: TokensOfKey): void {
    const id = bucketIdOf({ rate, key });
    this.#held.set(id, (this.#held.get(id) ?? 0) - 1);
    this.#fullAt.set(id, [rate, key, this.#fullAtOf(id) + intervalOf(rate)]);
    this.#isUsed = true;
  }

  /** When a token is free: now or before if one is. Held tokens count as if they were used now. */
  nextAt(needed: TokensOfKey): number {
    return Math.ceil(this.#nextAtInMicros(needed) / MICROS);
  }

  /** How many tokens are free. */
  countOf(needed: TokensOfKey): number {
    const sinceInMicros = this.#now - this.#nextAtInMicros(needed);
    return sinceInMicros < 0 ? 0 : Math.floor(sinceInMicros / intervalOf(needed.rate)) + 1;
  }

  #nextAtInMicros({ rate, key }: TokensOfKey): number {
    const id = bucketIdOf({ rate, key });
    if (!this.#hasRoom && !this.#fullAt.has(id)) return this.#now + FULL_AGAIN_WITHIN_MS * MICROS;
    const missing = (this.#held.get(id) ?? 0) + 1 - parseRateText(rate).burst;
    return this.#fullAtOf(id) + missing * intervalOf(rate);
  }

  #fullAtOf(id: string): number {
    return Math.max(this.#fullAt.get(id)?.[2] ?? this.#spilled.fullAtOf(id), this.#now);
  }
}

/** The time in which one token comes back, in microseconds. */
function intervalOf(rate: RateText): number {
  const { limit, perInMs } = parseRateText(rate);
  return Math.ceil((perInMs * MICROS) / limit);
}

/** For how long tokens are gathered, so that one write gives several: not longer than a part of the bucket takes to fill. */
export function gatherInMs(rate: RateText, most: number): number {
  return Math.min(most, Math.floor(((parseRateText(rate).burst - 1) * intervalOf(rate)) / MICROS / 2));
}

/** When the next write can leave out a part of an entry, in milliseconds: a spill, or all of its buckets. Infinite without any. */
export function nextFullAt({ buckets = [], spills = [] }: Pick<LedgerEntry, 'buckets' | 'spills'>): number {
  const all = buckets.length === 0 ? Number.POSITIVE_INFINITY : greatestOf(buckets.map(([, , fullAt]) => fullAt));
  return Math.ceil(Math.min(all, leastOf(spills.map(([, fullAt]) => fullAt))) / MICROS);
}
