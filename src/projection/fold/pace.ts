import { cpus } from 'node:os';
import { systemTimers, type Timers } from '#src/core/ports/clock.ts';
import type { ReplayPace } from './replay.ts';

/*
 * Leaves the processors to the other roles in a burst (docs/performance.md H17). Keeps PACE1, PACE2 and PACE3 (src/DESIGN.md).
 *
 * In a burst no processor is idle, other processes use two fifths of them or more, and the projection uses a tenth of one.
 */

/** The processor times since some moment in the past, in milliseconds. */
type ProcessorTimes = {
  /** The sum over all processors. */
  total: number;
  idle: number;
  /** The part that this process used. */
  own: number;
};

export type PaceOptions = {
  clock: { now(): number };
  /** Whether reading may be delayed at all (PACE3). */
  mayHold: () => boolean;
  timers?: Timers;
  readTimes?: () => ProcessorTimes;
};

/** Half of the second that the read model may be behind. The other half is for reading and storing (PACE1). */
const MAX_DELAY_IN_MS = 500;
const MAX_BEHIND_IN_MS = 1_000;
const ATTENTIVE_FOR_MS = 2_000;
const SAMPLE_EVERY_MS = 100;
/** Outside of bursts, the messages of this time are read together (docs/performance.md H24). */
const PAUSE_IN_MS = 50;
/** A longer sample contains a pause, and says nothing about the present. */
const MAX_SAMPLE_IN_MS = 1_000;
/** Requested messages cannot be delayed. One message may hold 64 invocations, so a request is limited by bytes: these hold some hundreds. */
const FEW = { messages: 1_000, bytes: 256_000 };
/** For a reader that is far behind. */
const MANY = { messages: 4_000, bytes: 4_000_000 };

/** Of one read model. */
export class ProjectionPace implements ReplayPace {
  readonly #options: PaceOptions;
  readonly #releases = new Set<() => void>();
  readonly #readTimes: () => ProcessorTimes;
  readonly #timers: Timers;
  #times: ProcessorTimes | undefined;
  #sampledAt = Number.NEGATIVE_INFINITY;
  /** The time of the last message that was read. */
  #readUntil = 0;
  /** How old the last message was when it was read. A reader that has read everything is not behind, however old the last message is. */
  #lagInMs = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #isBurst = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#readTimes = options.readTimes ?? readProcessorTimes;
    this.#timers = options.timers ?? systemTimers;
  }

  demand(): number {
    if (!this.#isHeld()) return this.#limits.messages;
    // While nothing is read, a timer finds the end of the burst.
    this.#cancelTimer ??= this.#timers.every(SAMPLE_EVERY_MS, () => this.#check());
    return 0;
  }

  maxBytes(): number {
    return this.#limits.bytes;
  }

  pauseInMs(): number {
    return this.#isAttentive() || !this.#options.mayHold() ? 0 : PAUSE_IN_MS;
  }

  onRelease(listener: () => void): () => void {
    this.#releases.add(listener);
    return () => this.#releases.delete(listener);
  }

  noteRead(at: number): void {
    this.#readUntil = at;
    this.#lagInMs = this.#options.clock.now() - at;
    this.#sample();
  }

  /** Reports a question (PACE2). */
  noteQuestion(): void {
    this.#askedAt = this.#options.clock.now();
    if (this.#cancelTimer !== undefined) this.#check();
  }

  /** Whether no question came for some seconds, and no burst uses the processors. */
  isIdle(): boolean {
    return !this.#isBurst && !this.#isAttentive();
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  get #limits(): { messages: number; bytes: number } {
    return this.#lagInMs > MAX_BEHIND_IN_MS ? MANY : FEW;
  }

  #isHeld(): boolean {
    const { clock, mayHold } = this.#options;
    if (!this.#isBurst || clock.now() - this.#readUntil >= MAX_DELAY_IN_MS || !mayHold()) return false;
    return !this.#isAttentive();
  }

  #isAttentive(): boolean {
    return this.#options.clock.now() - this.#askedAt < ATTENTIVE_FOR_MS;
  }

  #check(): void {
    this.#sample();
    if (this.demand() === 0) return;
    this.stop();
    for (const release of this.#releases) release();
  }

  #sample(): void {
    const now = this.#options.clock.now();
    const tookInMs = now - this.#sampledAt;
    if (tookInMs >= 0 && tookInMs < SAMPLE_EVERY_MS) return;
    const [before, after] = [this.#times, this.#readTimes()];
    this.#times = after;
    this.#sampledAt = now;
    this.#isBurst = before !== undefined && tookInMs <= MAX_SAMPLE_IN_MS && isBurst(before, after, this.#isBurst);
  }
}

/** Whether the time between two samples belongs to a burst (PACE1). A burst lasts while other processes use most of the time that is left. */
function isBurst(before: ProcessorTimes, after: ProcessorTimes, hasBegun: boolean): boolean {
  const total = after.total - before.total;
  const own = after.own - before.own;
  const others = total - (after.idle - before.idle) - own;
  // The messages that were requested before the delay still arrive, so the time of this process does not end a burst.
  if (hasBegun) return others > 0.7 * (total - own);
  return others > 0.4 * total && others + own > 0.9 * total && own > 0.1 * SAMPLE_EVERY_MS;
}

/** Without processors in the answer of the system, no time is a burst. */
function readProcessorTimes(): ProcessorTimes {
  const { user, system } = process.cpuUsage();
  const times: ProcessorTimes = { total: 0, idle: 0, own: (user + system) / 1_000 };
  for (const { times: one } of cpus()) {
    times.total += one.user + one.nice + one.sys + one.idle + one.irq;
    times.idle += one.idle;
  }
  return times;
}
