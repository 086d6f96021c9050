import type { RequestId } from '#src/core/names/names.ts';
import type { StreamName } from './event-log.ts';

/** Publishes outcomes for subscribers: one message per invocation, derived from the log, safe to repeat. */
export interface Results {
  /** The maximum size of one envelope, in bytes. */
  readonly maxBytes: number;
  publish(name: StreamName, id: RequestId, outcome: 'succeeded' | 'failed', envelope: string): Promise<void>;
}
