import type { Fact } from '#machines/facts.ts';
import type { Rate } from '#src/core/functions/rate.ts';

/** The clocks of two processes may differ by so much. */
const CLOCKS_DIFFER_BY_MS = 1_000;
const EXACT_CLOCKS_DIFFER_BY_MS = 20;
/** Without a fault, an attempt that waits in the log gets a free token within this time. */
const GIVEN_WITHIN_MS = 2_000;

/** `level` falls at the rate. `waiting`: the invocations that wait in the log, and since when. */
type Key = { level: number; at: number; waiting: Map<string, number> };

/**
 * The starts by the log, counted without the ledger of slots: each one raises a level, which falls at the rate. The level is above the burst
 * exactly when more than the burst and the rate started in some time.
 */
export class StartRates {
  readonly #keys = new Map<string, Key>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What a fact of an invocation breaks; `undefined` when the rate holds. `isAlone`: the attempts need nothing but a token. */
  fold(name: string, fact: Fact, { rate, isCalm, isAlone }: { rate: Rate; isCalm: boolean; isAlone: boolean }): string | undefined {
    const now = this.#now();
    const key = this.#keys.get(name) ?? { level: 0, at: now, waiting: new Map() };
    this.#keys.set(name, key);
    const since = key.waiting.get(fact.invocation);
    if (fact.type === 'deferred') key.waiting.set(fact.invocation, now);
    else key.waiting.delete(fact.invocation);
    const interval = rate.perInMs / rate.limit;
    const waited = since === undefined ? 0 : now - Math.max(since, key.at + (key.level + 1 - rate.burst) * interval);
    if (fact.type === 'running') {
      key.level = Math.max(0, key.level - (now - key.at) / interval) + 1;
      key.at = now;
    }
    const tolerance = (isCalm ? EXACT_CLOCKS_DIFFER_BY_MS : CLOCKS_DIFFER_BY_MS) / interval;
    if (key.level > rate.burst + tolerance)
      return `RATE1: ${rate.limit} in ${rate.perInMs} ms may start for ${name} with a burst of ${rate.burst}, and the level is ${key.level}`;
    if (isCalm && isAlone && waited > GIVEN_WITHIN_MS)
      return `SLOT6: a token of ${name} was free for ${waited} ms, and ${fact.invocation} waited for it`;
    return undefined;
  }
}
