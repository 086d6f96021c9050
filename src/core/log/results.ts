import type { RequestId } from '#src/core/names/names.ts';
import type { StreamName } from './event-log.ts';

/** The outcomes for subscribers: one message an invocation, derived from the log and repeatable. */
export interface Results {
  /** The most bytes that one envelope may have. */
  readonly maxBytes: number;
  publish(name: StreamName, id: RequestId, outcome: 'succeeded' | 'failed', envelope: string): Promise<void>;
}
