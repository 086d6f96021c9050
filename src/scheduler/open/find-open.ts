import type { EventLog } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { FindOpen } from '#src/core/ports/questions/open-requests.ts';
import { lookUpAgain } from '#src/core/time/look-up-again.ts';
import type { OpenStreams } from './open-streams.ts';

/** A question about an unknown request waits half a second for the reading. */
const UNKNOWN_PAUSES_IN_MS = Array<number>(100).fill(5);

type FindOpenOptions = { log: Pick<EventLog, 'lastSequence' | 'firstFrom'>; clock: Pick<Clock, 'sleep'> };

/**
 * Finds the open request of a stream, of one function or of any. An unknown one is looked up again when the scheduler has read what the log held
 * at the time of the question: it may have been accepted a moment ago.
 *
 * Throws `NoAnswerError` while the scheduler has not read that far, because an unread message may be the request (A1).
 */
export function createFindOpen(open: OpenStreams, { log, clock }: FindOpenOptions): FindOpen {
  function find(stream: StreamId, functionName: FunctionName | undefined) {
    const found = functionName === undefined ? open.findAll(stream) : [open.find({ function: functionName, stream })];
    return found.flatMap((one) => (one?.request === undefined ? [] : [{ name: one.name, request: one.request }]));
  }

  return async (stream, functionName) => {
    const found = find(stream, functionName);
    if (found.length > 0) return found;
    const last = await log.lastSequence();
    const hasRead = async (): Promise<true | undefined> => open.next > last || undefined;
    if ((await lookUpAgain(hasRead, { clock, pausesInMs: UNKNOWN_PAUSES_IN_MS })) === undefined) {
      // The last messages of the log may have been purged, and never come.
      const unread = await log.firstFrom(open.next);
      if (unread !== undefined && unread.sequence <= last)
        throw new NoAnswerError({ asked: 'the scheduler', why: `it has read the log up to message ${open.next - 1} of ${last}` });
    }
    return find(stream, functionName);
  };
}
