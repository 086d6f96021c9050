import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';

export type FindOpen = (stream: StreamId, functionName: FunctionName | undefined) => { name: StreamName; request: number } | undefined;

/** Where requests stand that no append speaks of yet. Schedulers know: they fold everything that is open. */
export interface OpenRequests {
  /** Of the function, if one is named: several may have a stream of the same id. `undefined` when no scheduler knows such a request, or none answers within a second. */
  find(stream: StreamId, functionName?: FunctionName): Promise<{ name: StreamName; request: number } | undefined>;
  /** Answers for this scheduler until the signal aborts. */
  answer(find: FindOpen, signal: AbortSignal): void;
}
