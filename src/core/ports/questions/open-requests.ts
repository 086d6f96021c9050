import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';

type OpenRequest = { name: StreamName; request: number };
export type FindOpen = (stream: StreamId, functionName: FunctionName | undefined) => Promise<readonly OpenRequest[]>;

/** Finds requests without an append. Schedulers answer, because they fold every open stream. */
export interface OpenRequests {
  /**
   * The open requests of a stream id, of the named function or of any. None when the log had none at the time of the question, or no scheduler
   * runs. Throws `NoAnswerError` when a scheduler runs and does not answer in time, which is 10 seconds by default (A1).
   */
  find(stream: StreamId, functionName?: FunctionName, patience?: { timeoutInMs?: number }): Promise<readonly OpenRequest[]>;
  /** Answers for this scheduler until the signal aborts. A question for which `find` rejects gets no answer. */
  answer(find: FindOpen, signal: AbortSignal): void;
}
