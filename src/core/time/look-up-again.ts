import type { Clock } from '#src/core/ports/clock.ts';

type Options = { clock: Pick<Clock, 'sleep'>; pausesInMs: readonly number[] };

/** Looks a new thing up until it is found: at once, and again after each pause. Resolves to `undefined` when the last look-up does not find it. */
export async function lookUpAgain<Found>(
  lookUp: () => Promise<Found | undefined>,
  { clock, pausesInMs }: Options,
): Promise<Found | undefined> {
  let found = await lookUp();
  for (const pauseInMs of pausesInMs) {
    if (found !== undefined) return found;
    await clock.sleep(pauseInMs);
    found = await lookUp();
  }
  return found;
}
