import type { Clock } from '#src/core/ports/clock.ts';
import { lookUpAgain } from '#src/core/time/look-up-again.ts';
import type { Projection } from './projection-port.ts';

/** Five seconds. */
const PAUSES_IN_MS = Array<number>(500).fill(10);

/**
 * Waits until the live tables cover the log up to a sequence, for at most five seconds. Resolves to the number of messages that are still
 * missing.
 *
 * An answer without such a wait may lack an invocation that the caller knows: a page that is read first would lack it for good, because the
 * following pages are older.
 */
export async function reach(
  projection: Pick<Projection, 'sequence' | 'recordQuestion'>,
  sequence: number,
  clock: Pick<Clock, 'sleep'>,
): Promise<number> {
  const hasReached = async (): Promise<true | undefined> => {
    projection.recordQuestion();
    return projection.sequence >= sequence || undefined;
  };
  await lookUpAgain(hasReached, { clock, pausesInMs: PAUSES_IN_MS });
  return Math.max(0, sequence - projection.sequence);
}
