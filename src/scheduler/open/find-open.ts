import type { EventLog } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { FindOpen } from '#src/core/ports/questions/open-requests.ts';
import type { NewestRead } from '#src/core/ports/stores/saved-floor.ts';
import { lookUpAgain } from '#src/core/time/look-up-again.ts';
import type { OpenStreams } from './open-streams.ts';

/** A question about an unknown request waits half a second for the reading. */
const UNKNOWN_PAUSES_IN_MS = Array<number>(100).fill(5);

type FindOpenOptions = { log: Pick<EventLog, 'lastSequence' | 'firstFrom' | 'timeOf'>; clock: Pick<Clock, 'sleep'> };

/**
 * Finds the open request of a stream, of one function or of any. An unknown one is looked up again when the scheduler has read what the log held
 * at the time of the question: it may have been accepted a moment ago.
 *
 * Throws `NoAnswerError` while the scheduler has not read that far, because an unread message may be the request (A1). The positions of a log that was
 * created again start at 1, so that the scheduler seems to have read them. It answers only when the log holds the newest message that it has read.
 */
export function createFindOpen(open: OpenStreams, { log, clock }: FindOpenOptions): FindOpen {
  function find(stream: StreamId, functionName: FunctionName | undefined) {
    const found = functionName === undefined ? open.findAll(stream) : [open.find({ function: functionName, stream })];
    return found.flatMap((one) => (one?.request === undefined ? [] : [{ name: one.name, request: one.request }]));
  }

  /** Whether the log is the one in which a message was read, as far as that matters: an empty log holds no request that was not read. */
  async function isInLog(newest: NewestRead): Promise<boolean> {
    const at = await log.timeOf(newest.sequence);
    if (at !== undefined) return at === newest.at;
    // Retention may have removed the message. It never lowers the end of the log.
    const last = await log.lastSequence();
    return last >= newest.sequence || last === 0;
  }

  return async (stream, functionName) => {
    const found = find(stream, functionName);
    if (found.length > 0) return found;
    const last = await log.lastSequence();
    // The newest message of the moment in which the scheduler has read far enough: it may begin to read another log in the next one.
    const hasRead = async () => (open.next > last ? { newest: open.newest } : undefined);
    const read = (await lookUpAgain(hasRead, { clock, pausesInMs: UNKNOWN_PAUSES_IN_MS })) ?? { newest: open.newest, upTo: open.next - 1 };
    if ('upTo' in read) {
      // The last messages of the log may have been purged, and never come.
      const unread = await log.firstFrom(read.upTo + 1);
      if (unread !== undefined && unread.sequence <= last)
        throw new NoAnswerError({ asked: 'the scheduler', why: `it has read the log up to message ${read.upTo} of ${last}` });
    }
    if (read.newest !== undefined && !(await isInLog(read.newest)))
      throw new NoAnswerError({ asked: 'the scheduler', why: 'the log was created again, or lost messages, and it has not read it yet' });
    return find(stream, functionName);
  };
}
