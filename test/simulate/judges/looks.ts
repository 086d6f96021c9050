import { TwoKeyQueue } from '#src/scheduler/waits/two-key-queue.ts';

/**
 * How often one step may take a waiting request out of its queue to look at it: an event with all microtasks that follow from it. A plan of an entry
 * has 256 keys at most, and looks at a few requests of each. A step that compares all requests of one rank takes as many looks as there are requests.
 */
export const MAX_LOOKS = 4_096;

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
