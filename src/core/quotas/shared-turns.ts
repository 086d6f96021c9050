import { setImmediate } from 'node:timers/promises';
import { createFairTurns } from './fair-turns.ts';
import { threadTime } from './thread-time.ts';

/** How long the parts of one work may take together before the thread serves others. */
const SLICE_IN_MS = 4;

const oneAtATime = createFairTurns(1);

/**
 * Does a long synchronous work for the bytes of a project in the thread that serves all projects: what a generator does between two yields is one
 * part. A turn of the event loop has the parts of one work only, for some milliseconds, and the projects take turns (SHARE1). The works are bounded
 * by their callers: requests in flight.
 */
export async function inSharedTurns<Result>(project: string | undefined, work: Generator<undefined, Result>): Promise<Result> {
  for (;;) {
    const step = await oneAtATime(project, async () => {
      await setImmediate();
      return threadTime.spend(project, () => sliceOf(work));
    });
    if (step.done === true) return step.value;
  }
}

function sliceOf<Result>(work: Generator<undefined, Result>): IteratorResult<undefined, Result> {
  const startedAt = performance.now();
  let step = work.next();
  while (step.done !== true && performance.now() - startedAt < SLICE_IN_MS) step = work.next();
  return step;
}
