import type { RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { StreamState } from './stream.ts';

/** What work is for: the executions of one function, or the deliveries of all outcomes. */
export type WorkSource = { kind: 'function'; name: FunctionName } | { kind: 'deliveries' };

/** One message that says: here is work. It comes again unless it is acknowledged in time. */
export type WorkItem = {
  name: StreamName;
  /** The sequence of the request message behind it. */
  request: number;
  /** The request itself, unless this is a wake. */
  message?: RequestMessage | undefined;
  /** The stream as whoever gave this item knows it: then nobody needs to read it first. */
  state?: StreamState | undefined;
  /** True when nobody can have touched it before. */
  isFirstDelivery: boolean;
  /** It is done: never deliver it again. A lost acknowledgement only delivers it again. */
  ack(): void;
  /** It is being worked on: extend the lease. */
  working(): void;
  /** It was not touched: deliver it to somebody else at once. */
  release(): void;
  /** It must wait: deliver it again after this time instead of its lease, if it is not acknowledged until then. */
  putOff(inMs: number): void;
};

/** What to do next. Only a hint: the log says what is true. */
export interface WorkQueue {
  /**
   * Delivers items to `onItem` while `demand()` says how many more may come. Resolves when the signal aborted and nothing
   * more will be delivered. Survives a deleted consumer and a restarted server.
   */
  run(options: { source: WorkSource; demand: () => number; onItem: (item: WorkItem) => void; signal: AbortSignal }): WorkSubscription;
  /** The sequence up to which the work of a function was handed out, 0 when it never was. */
  handedOut(name: FunctionName): Promise<number>;
  /** How long an item may go without `working()` before it is delivered again, in milliseconds. */
  readonly leaseInMs: number;
}

export interface WorkSubscription {
  /** Says that `demand()` may have risen. */
  pull(): void;
  readonly done: Promise<void>;
}
