import { availableParallelism } from 'node:os';
import type { ProcessorUse } from '#src/core/ports/questions/role-instances.ts';

/** Half of the processors of this machine, or of its container. */
export const DEFAULT_PROJECT_PROCESSORS = availableParallelism() / 2;

/** The processors that the processes of a project may use together, such as 1.5. The own project, whose code is the operator's, has no budget. */
export type ProcessorQuota = (project: string) => number;

/** What the budget needs of a process. */
export interface Consumer {
  /** The processor time of the process and its descendants since the last call, in milliseconds. */
  takeProcessorTimeInMs(): number;
  pause(isPaused: boolean): void;
}

const CHECK_EVERY_MS = 200;
/** How much processor time a project saves while it uses less, as a time of its whole budget. */
const SAVED_FOR_MS = 1_000;
/** A paused project continues with so much of its budget, so that it is not paused again at once. */
const CONTINUES_WITH_MS = 100;
const RECENTLY_MS = 60_000;

/**
 * The processor time of the processes of one project in one worker (CPU1).
 *
 * A bucket of processor time fills with the budget. The processes use it up, and are paused while it is empty: all of them, since a project
 * that may use half of the machine must not have more processes instead.
 */
export class ProcessorBudget {
  #left: number | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #isPaused = false;
  #usedInMs = 0;
  #waitedInMs = 0;
  #waitedAt = Number.NEGATIVE_INFINITY;

  useAt(now: number): Omit<ProcessorUse, 'project'> {
    const hasWaited = now - this.#waitedAt < RECENTLY_MS;
    return { usedInMs: Math.round(this.#usedInMs), waitedInMs: Math.round(this.#waitedInMs), hasWaited };
  }

  /** Counts what the processes used since the last check, and pauses or continues all of them. Reads at most every 200 ms. */
  check(now: number, consumers: readonly Consumer[], processors: number): void {
    const since = now - this.#checkedAt;
    if (since < CHECK_EVERY_MS) return;
    this.#checkedAt = now;
    if (this.#isPaused) {
      this.#waitedInMs += since;
      this.#waitedAt = now;
    }
    const most = processors * SAVED_FOR_MS;
    const filled = this.#left === undefined ? most : Math.min(most, this.#left + processors * since);
    const used = consumers.reduce((sum, consumer) => sum + consumer.takeProcessorTimeInMs(), 0);
    this.#usedInMs += used;
    this.#left = filled - used;
    const wasPaused = this.#isPaused;
    this.#isPaused = this.#left < (wasPaused ? processors * CONTINUES_WITH_MS : 0);
    // Also those that were started meanwhile.
    if (this.#isPaused || wasPaused) for (const consumer of consumers) consumer.pause(this.#isPaused);
  }
}
