import type { FunctionName } from '#src/core/names/names.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';

/** The requests and wakes that no worker was offered yet. */
export interface Backlog {
  /**
   * Whether an item of the function is still in the queue. `sequence` is the sequence of its message. The answer is at most a second old, and
   * an item that is in the queue was there at `since` or later.
   */
  holds(name: FunctionName, sequence: number, since?: number): Promise<boolean>;
  /** Whether the last answer, which is at most a second old, says that the item is still in the queue. False when there is no such answer. */
  isKnownToHold(name: FunctionName, sequence: number): boolean;
}

/** `known` is the value of `upTo` once it has arrived. */
type Answer = { at: number; upTo: Promise<number>; known: number | undefined };

const FRESH_FOR_MS = 1_000;

/** Asks the queue of a function at most once a second. */
export function createBacklog({ deliveredUpTo, clock }: Pick<SchedulerOptions, 'deliveredUpTo' | 'clock'>): Backlog {
  const answers = new Map<FunctionName, Answer>();
  const isFresh = (answer: Answer | undefined): answer is Answer => answer !== undefined && clock.now() - answer.at < FRESH_FOR_MS;

  function ask(name: FunctionName): Answer {
    const answer: Answer = { at: clock.now(), upTo: deliveredUpTo(name), known: undefined };
    answer.upTo.then(
      (upTo) => {
        answer.known = upTo;
      },
      () => {},
    );
    answers.set(name, answer);
    return answer;
  }

  return {
    async holds(name, sequence, since = Number.NEGATIVE_INFINITY) {
      const last = answers.get(name);
      // What was delivered stays delivered.
      if (isFresh(last) && (last.at >= since || sequence <= (await last.upTo))) return sequence > (await last.upTo);
      return sequence > (await ask(name).upTo);
    },
    isKnownToHold(name, sequence) {
      const last = answers.get(name);
      return isFresh(last) && last.known !== undefined && sequence > last.known;
    },
  };
}
