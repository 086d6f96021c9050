import type { StreamName } from './event-log.ts';
import type { StreamId } from './names.ts';

/** Where requests stand that no append speaks of yet. Schedulers know: they fold everything that is open. */
export interface OpenRequests {
  /** `undefined` when no scheduler knows such a request, or none answers within a second. */
  find(stream: StreamId): Promise<{ name: StreamName; request: number } | undefined>;
  /** Answers for this scheduler until the signal aborts. */
  answer(find: (stream: StreamId) => { name: StreamName; request: number } | undefined, signal: AbortSignal): void;
}
