/**
 * An estimate of the NATS server's time, which is the time of the log. It owns the arithmetic; `src/nats/transport/server-clock.ts` asks
 * the server. The rules TIME1 to TIME4 are in `src/DESIGN.md`.
 */

/** The two clocks of a machine, in milliseconds. The monotonic clock has no epoch, and no operator sets it. */
export type LocalClocks = { wall(): number; monotonic(): number };

/** One question for the server's time. `askedAt` and `answeredAt` are monotonic times, `serverAt` is in milliseconds since the epoch. */
export type TimeSample = { askedAt: number; answeredAt: number; serverAt: number };

/** How far the clock of this machine is ahead of the server's; negative when it is behind. */
export type ClockOffset = { aheadInMs: number; uncertaintyInMs: number };

/** The difference between the server's time and the monotonic clock lies between `low` and `high`. */
type Bounds = { low: number; high: number; at: number };

const KEPT_SAMPLES = 8;
/** How far two clocks may drift apart in a second that neither is set, in milliseconds. Crystals differ by less than half of it. */
const DRIFT_PER_MS = 0.0002;
/** Both the server's time and the local time are read in whole milliseconds. */
const RESOLUTION_IN_MS = 1;
/** A change of the local clock against the monotonic clock that reading them cannot explain. */
const STEP_IN_MS = 20;
const READINGS = 3;

const localClocks: LocalClocks = { wall: Date.now, monotonic: () => performance.now() };

export class ServerTime {
  readonly #local: LocalClocks;
  #samples: Bounds[] = [];
  /** The local clock minus the monotonic clock. */
  #wallBase: number;
  /** The estimated time of the server minus the monotonic clock. */
  #base: number;

  constructor(local: LocalClocks = localClocks) {
    this.#local = local;
    this.#wallBase = this.#readWallBase();
    this.#base = this.#wallBase;
  }

  /** The server's time in whole milliseconds since the epoch. Before the first sample, the local time. */
  now(): number {
    return Math.floor(this.#base + this.#local.monotonic());
  }

  /** `undefined` before the first sample. */
  get offset(): ClockOffset | undefined {
    if (this.#samples.length === 0) return undefined;
    const { low, high } = this.#bounds();
    return { aheadInMs: this.#wallBase - (low + high) / 2, uncertaintyInMs: (high - low) / 2 };
  }

  /** Keeps TIME1 and TIME2. */
  add({ askedAt, answeredAt, serverAt }: TimeSample): void {
    this.noticeStep();
    const sample = { low: serverAt - answeredAt, high: serverAt + RESOLUTION_IN_MS - askedAt, at: answeredAt };
    this.#samples = [...this.#samples, sample].slice(-KEPT_SAMPLES);
    const { low, high } = this.#bounds();
    if (low > high) this.#samples = [sample];
    this.#adjust();
  }

  /** Compares the local clock with the monotonic clock. Returns whether the local clock was set, or the machine was suspended (TIME3). */
  noticeStep(): boolean {
    const read = this.#readWallBase();
    const change = read - this.#wallBase;
    // The local clock is read in whole milliseconds, so the largest of several readings is the nearest.
    if (Math.abs(change) < STEP_IN_MS) {
      if (change > 0) this.#wallBase = read;
      return false;
    }
    this.#wallBase = read;
    return true;
  }

  /** Keeps TIME4. */
  #adjust(): void {
    const { low, high } = this.#bounds();
    const isLocalRight = this.#wallBase >= low - RESOLUTION_IN_MS && this.#wallBase <= high + RESOLUTION_IN_MS;
    this.#base = isLocalRight ? this.#wallBase : (low + high) / 2;
  }

  #bounds(): Bounds {
    const at = this.#local.monotonic();
    let low = Number.NEGATIVE_INFINITY;
    let high = Number.POSITIVE_INFINITY;
    for (const sample of this.#samples) {
      const drift = (at - sample.at) * DRIFT_PER_MS;
      low = Math.max(low, sample.low - drift);
      high = Math.min(high, sample.high + drift);
    }
    return { low, high, at };
  }

  /** A pause between the two readings makes the result too low, so the largest of some results is taken. */
  #readWallBase(): number {
    let base = Number.NEGATIVE_INFINITY;
    for (let reading = 0; reading < READINGS; reading++) base = Math.max(base, this.#local.wall() - this.#local.monotonic());
    return base;
  }
}
