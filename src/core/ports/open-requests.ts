import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';

export type FindOpen = (stream: StreamId, functionName: FunctionName | undefined) => { name: StreamName; request: number } | undefined;

/** Finds requests without an append. Schedulers answer, because they fold every open stream. */
export interface OpenRequests {
  /**
   * The open request of a stream id, of the named function or of any. `undefined` when no scheduler knows one, or no scheduler answers within a
   * second.
   */
  find(stream: StreamId, functionName?: FunctionName): Promise<{ name: StreamName; request: number } | undefined>;
  /** Answers for this scheduler until the signal aborts. */
  answer(find: FindOpen, signal: AbortSignal): void;
}
