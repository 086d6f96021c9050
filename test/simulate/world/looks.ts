import { TwoKeyQueue } from '#src/scheduler/open/chunked-lists.ts';

/**
 * How often one step may take a waiting request out of its queue to look at it: an event with all microtasks that follow from it. When 20,000
 * requests come at once, the log delivers some hundred messages in one event, and each may have two schedulers plan an entry, with some dozen looks.
 * A scheduler that compares all requests of one rank in each plan takes millions.
 */
export const MAX_LOOKS = 250_000;

export interface Looks extends Disposable {
  /** The looks of the step that took most. */
  readonly most: number;
  /** Ends a step. Returns its looks. */
  endStep(): number;
}

/** Counts the looks of all schedulers of this process. The count is the same on every machine, unlike a time. */
export function countLooks(): Looks {
  const { pop } = TwoKeyQueue.prototype;
  let count = 0;
  let most = 0;
  TwoKeyQueue.prototype.pop = function counted(this: TwoKeyQueue) {
    count++;
    return pop.call(this);
  };
  return {
    get most() {
      return most;
    },
    endStep() {
      const ended = count;
      most = Math.max(most, ended);
      count = 0;
      return ended;
    },
    [Symbol.dispose]() {
      TwoKeyQueue.prototype.pop = pop;
    },
  };
}
