import type { RequestMessage, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { StreamState } from './stream.ts';

/** What work items are for: the executions of one function, or the deliveries of all outcomes. */
export type WorkSource = { kind: 'function'; name: FunctionName } | { kind: 'deliveries' };

/** One delivered message: a request, or a hint at a stream. It is redelivered after its lease unless it is acknowledged. */
export type WorkItem = {
  name: StreamName;
  /** The sequence of the stream's request message. */
  request: number;
  /** The sequence of the item's own message; 0 when the item is no message. */
  sequence: number;
  /** The newest version of the stream that the sender of a hint knew. */
  version?: StreamVersion | undefined;
  /** The request message itself; absent for a hint. */
  message?: RequestMessage | undefined;
  /** The state of the stream, if the sender of the item passed it along. The stream is then not read. */
  state?: StreamState | undefined;
  /** Whether the sender passed a state along, which may still prove unusable when it is read. */
  mayHaveState?: boolean;
  /** The invocation whose slot brought the item, if no message did (SLOT6). */
  grants?: string | undefined;
  /** True when no process can have worked on the item before. */
  isFirstDelivery: boolean;
  /** Ends the item. If the acknowledgement is lost, the item is redelivered. */
  ack(): void;
  /** Extends the lease, because the item is in progress. */
  working(): void;
  /** Gives the item back untouched. It is redelivered to another process at once. */
  release(): void;
  /** Redelivers the item after this time instead of after its lease, unless it is acknowledged until then. */
  delayRedelivery(inMs: number): void;
};

/** Delivers work items. An item is only a hint: the log holds the truth. */
export interface WorkQueue {
  /**
   * Delivers items to `onItem`. `demand()` returns how many further items the caller accepts.
   *
   * The subscription is done when the signal aborted and no further item will be delivered. It survives a deleted consumer and a restarted
   * server. `onGone` is called when a function has no consumer and no work (CONS3). When it returns true, the subscription asks for nothing
   * more; otherwise, and without it, the consumer is created again.
   */
  run(options: {
    source: WorkSource;
    demand: () => number;
    onItem: (item: WorkItem) => void;
    signal: AbortSignal;
    onGone?: (() => boolean) | undefined;
  }): WorkSubscription;
  /** The sequence up to which the items of a function were delivered; 0 when none was. */
  deliveredUpTo(name: FunctionName): Promise<number>;
  /** The time until an item without an acknowledgement or `working()` is redelivered, in milliseconds. */
  readonly leaseInMs: number;
}

export interface WorkSubscription {
  /** Asks `demand()` again, because it may have risen. */
  pull(): void;
  readonly done: Promise<void>;
}
