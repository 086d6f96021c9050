import type { FactOf, Outcome } from '#machines/facts.ts';
import type { StreamState } from './stream.ts';
import type { StreamWriter } from './stream-writer.ts';

/**
 * First tries of an outcome's deliveries. Their facts are appended with the outcome, and only then the tries are made (E1). A delivery whose
 * target has an open circuit is postponed by the same append.
 */
export type ClaimedTries = {
  facts: readonly (FactOf<'delivery.started'> | FactOf<'delivery.postponed'>)[];
  /** Makes the tries in the background, once their facts are durable, and appends the results by this writer. */
  make(writer: StreamWriter): void;
  /** Gives the slots back, because the facts were not appended. */
  release(): void;
};

/**
 * Optional shortcut: delivers outcomes in the worker's process, and saves a hint, an append and a read.
 *
 * When it is absent or full, the scheduler triggers the delivery (docs/architecture.md lists the entries of a delivery).
 */
export interface LocalDeliverer {
  /** Claims the first tries that have a free slot; `undefined` when there are none. */
  claim(outcome: Outcome, functionName: string): ClaimedTries | undefined;
  /** Takes over the deliveries of a stream. False when the deliverer is full. */
  take(stream: StreamState): boolean;
}
