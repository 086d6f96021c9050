import type { StreamName } from '#src/core/log/event-log.ts';
import type { StreamState } from './stream.ts';

/** Hints say which stream has work. A hint is safe to lose and to repeat. Two hints with one id are one hint. */
export interface Hints {
  /** Hints at an attempt that is due. */
  wake(name: StreamName, request: number, id: string): void;
  /** Hints at a delivery that is due. A small state is inlined in the hint, so the deliverer need not read the stream. */
  deliver(name: StreamName, request: number, id: string, inlineState?: StreamState): void;
}
