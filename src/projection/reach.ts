import type { Clock } from '#src/core/ports/clock.ts';
import type { Projection } from './projection.ts';

const WAIT_AT_MOST_MS = 5_000;
const POLL_EVERY_MS = 10;

/**
 * Waits until the live tables cover the log up to a sequence, for at most five seconds. Resolves to the number of messages that are still
 * missing.
 *
 * An answer without such a wait may lack what the caller knows to exist: a page that is read first would lack it for good, because the
 * following pages are older.
 */
export async function reach(
  projection: Pick<Projection, 'sequence' | 'noteQuestion'>,
  sequence: number,
  clock: Pick<Clock, 'sleep'>,
): Promise<number> {
  projection.noteQuestion();
  for (let waitedInMs = 0; waitedInMs < WAIT_AT_MOST_MS && projection.sequence < sequence; waitedInMs += POLL_EVERY_MS) {
    await clock.sleep(POLL_EVERY_MS);
    projection.noteQuestion();
  }
  return Math.max(0, sequence - projection.sequence);
}
