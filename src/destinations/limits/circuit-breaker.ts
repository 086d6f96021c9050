import type { DeliveryResult } from '#src/core/ports/destination-target.ts';

/** So many failures in a row open a circuit. A target that fails a third of its tries at random reaches this number about never. */
export const FAILURES_UNTIL_OPEN = 10;
/** How long a circuit stays open; doubled with each failed probe. */
const FIRST_PAUSE_IN_MS = 1_000;
const MAX_PAUSE_IN_MS = 30_000;
/** A half-open circuit that admitted this many tries at once is closed. */
const TRIES_AT_ONCE_UNTIL_CLOSED = 32;

/** `isCounted` is false while the circuit is closed. `successes` are those of the circuit when the try started. */
export type Admission = { isCounted: boolean; successes: number };

/** Admits a try of a circuit that has never counted a failure. */
export const FIRST_ADMISSION: Admission = { isCounted: false, successes: 0 };

/**
 * The circuit of one target, in the memory of one process.
 *
 * - Closed: every try is admitted. `FAILURES_UNTIL_OPEN` failures in a row open the circuit. A failure counts only when its try started
 *   after the latest success: tries of a target that loses some of its answers otherwise time out together, many in a row.
 * - Open: no try is admitted until `openUntil`.
 * - Half-open: one try at once is admitted, the probe. Each success doubles this number until the circuit is closed, so that a backlog does
 *   not reach the recovered target at once. A failed probe opens the circuit again, for twice the time; after a successful probe,
 *   `FAILURES_UNTIL_OPEN` failures in a row do.
 *
 * A verdict of the target (`delivered` or `dead`) is a success: the target answers.
 */
export class CircuitBreaker {
  failures = 0;
  reason = '';
  openUntil = 0;
  /** When the circuit was last closed. */
  closedUntil = 0;
  #pauseInMs = 0;
  #triesAtOnce = Number.POSITIVE_INFINITY;
  #tries = 0;
  #successes = 0;

  get isClosed(): boolean {
    return this.#triesAtOnce === Number.POSITIVE_INFINITY;
  }

  /** Admits a try, which ends by `end`. Returns `undefined` when no try may start now. */
  admit(now: number): Admission | undefined {
    const isCounted = !this.isClosed;
    if (isCounted) {
      if (now < this.openUntil || this.#tries >= this.#triesAtOnce) return undefined;
      this.#tries++;
    }
    return { isCounted, successes: this.#successes };
  }

  /** Ends an admitted try. Without a result the try was not made. Returns whether its failure opened the circuit. */
  end({ isCounted, successes }: Admission, result: DeliveryResult | undefined, now: number): boolean {
    if (isCounted) this.#tries--;
    if (result === undefined) return false;
    if (result.kind !== 'failed') {
      this.#succeed();
      return false;
    }
    if (successes !== this.#successes) return false;
    this.failures++;
    this.reason = result.reason;
    // A try of the time before the circuit opened says nothing new about the target.
    const isProbe = isCounted && this.#triesAtOnce === 1;
    const isPending = !isCounted && !this.isClosed;
    const opens = !isPending && now >= this.openUntil && (isProbe || this.failures >= FAILURES_UNTIL_OPEN);
    if (opens) this.#open(now);
    return opens;
  }

  #succeed(): void {
    this.#successes++;
    this.failures = 0;
    this.openUntil = 0;
    this.#pauseInMs = 0;
    this.#triesAtOnce *= 2;
    if (this.#triesAtOnce >= TRIES_AT_ONCE_UNTIL_CLOSED) this.#triesAtOnce = Number.POSITIVE_INFINITY;
  }

  #open(now: number): void {
    if (this.isClosed) this.closedUntil = now;
    this.#pauseInMs = Math.min(Math.max(this.#pauseInMs * 2, FIRST_PAUSE_IN_MS), MAX_PAUSE_IN_MS);
    this.openUntil = now + this.#pauseInMs;
    this.#triesAtOnce = 1;
  }
}
