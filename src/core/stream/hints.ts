import type { StreamName } from '#src/core/log/event-log.ts';
import type { StreamState } from './stream.ts';

/** A hint that somebody should look at a stream. Safe to lose and to repeat. */
export interface Hints {
  /** An attempt is due. Two hints of one id are one. */
  wake(name: StreamName, request: number, id: string): void;
  /** A delivery is due. What is known of the stream may go along, so that nobody needs to read it. */
  deliver(name: StreamName, request: number, id: string, known?: StreamState): void;
}
