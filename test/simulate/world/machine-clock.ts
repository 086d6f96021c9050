import { ServerTime } from '#src/core/time/server-time.ts';
import { type Engine, START } from './engine.ts';

/** Two crystals differ by less than this, as a share of the time. */
const MAX_DRIFT = 0.0001;
/** Both clocks and the estimate are in whole milliseconds. */
const RESOLUTION_IN_MS = 3;

export type MachineClockOptions = {
  /** How far the clock may be from the true time, in milliseconds. */
  clockOffsetInMs: number;
  /** The machine measures the time without an error. Then an offset must change nothing at all. */
  isTimeExact: boolean;
};

/** The clocks of one machine. One is wrong and may be set; the other one drifts. The process derives the time of the log (TIME1 to TIME4). */
export class MachineClock {
  readonly isExact: boolean;
  readonly #engine: Engine;
  readonly #offsetInMs: number;
  readonly #rate: number;
  readonly #time: ServerTime;
  #wrongByInMs = 0;

  constructor(engine: Engine, { clockOffsetInMs, isTimeExact }: MachineClockOptions) {
    this.isExact = isTimeExact;
    this.#engine = engine;
    this.#offsetInMs = clockOffsetInMs;
    const drift = (engine.chance.next() * 2 - 1) * MAX_DRIFT;
    this.#rate = isTimeExact ? 1 : 1 + drift;
    this.set();
    this.#time = new ServerTime({ wall: () => engine.now + this.#wrongByInMs, monotonic: () => this.monotonic() });
  }

  readonly now = (): number => this.#time.now();

  monotonic(): number {
    return (this.#engine.now - START) * this.#rate;
  }

  /** An operator sets the clock, wrongly. */
  set(): void {
    this.#wrongByInMs = Math.round((this.#engine.chance.next() * 2 - 1) * this.#offsetInMs);
  }

  /** Adds an answer of the server to a question that was asked at `askedAt`, by the monotonic clock. */
  measured(askedAt: number, serverAt: number): void {
    this.#time.add({ askedAt, answeredAt: this.monotonic(), serverAt });
  }

  /** How wrong the derived time may be (TIME2, TIME4), in milliseconds. */
  get toleranceInMs(): number {
    return 2 * (this.#time.offset?.uncertaintyInMs ?? 0) + RESOLUTION_IN_MS;
  }

  /** Says how wrong the derived time is; `undefined` when it is as right as the machine claims. */
  whyWrong(): string | undefined {
    const wrongByInMs = this.now() - this.#engine.now;
    if (Math.abs(wrongByInMs) <= this.toleranceInMs) return undefined;
    return `the time is ${wrongByInMs} ms wrong, and is said to be right within ${Math.round(this.toleranceInMs)} ms`;
  }
}
