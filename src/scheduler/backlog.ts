import type { FunctionName } from '#src/core/names/names.ts';
import type { SchedulerOptions } from './ports.ts';

/** The requests and wakes that no worker was offered yet. */
export interface Backlog {
  /**
   * Whether an item of the function is still in the queue. `sequence` is the sequence of its message. The answer is at most a second old, and
   * an item that is in the queue was there at `since` or later.
   */
  holds(name: FunctionName, sequence: number, since?: number): Promise<boolean>;
}

const FRESH_FOR_MS = 1_000;

/** Asks the queue of a function at most once a second. */
export function createBacklog({ deliveredUpTo, clock }: Pick<SchedulerOptions, 'deliveredUpTo' | 'clock'>): Backlog {
  const answers = new Map<FunctionName, { at: number; upTo: Promise<number> }>();
  return {
    async holds(name, sequence, since = Number.NEGATIVE_INFINITY) {
      const last = answers.get(name);
      const isFresh = last !== undefined && clock.now() - last.at < FRESH_FOR_MS;
      // What was delivered stays delivered.
      if (isFresh && (last.at >= since || sequence <= (await last.upTo))) return sequence > (await last.upTo);
      const answer = { at: clock.now(), upTo: deliveredUpTo(name) };
      answers.set(name, answer);
      return sequence > (await answer.upTo);
    },
  };
}
