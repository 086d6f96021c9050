import { deliveryOf, notRedrivenSince, openDeliveries } from '#machines/deliveries.ts';
import { deliveryEndsAt, deliveryExpiredFact } from '#machines/delivery.ts';
import type { Outcome } from '#machines/facts.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';

export type OldDeliveriesOptions = {
  clock: Pick<Clock, 'now'>;
  /** The maximum age of a delivery, in milliseconds. */
  maxDeliveryAgeInMs: number;
};

/**
 * Ends the deliveries of an outcome that are too old, and appends `notified` when none is left open. The process that makes a try ends
 * that try itself.
 *
 * Returns when the next delivery becomes too old; `undefined` when all are settled.
 */
export async function endOldDeliveries(
  id: string,
  outcome: Outcome | null,
  writer: StreamWriter,
  { clock, maxDeliveryAgeInMs }: OldDeliveriesOptions,
): Promise<number | undefined> {
  const now = clock.now();
  let nextAt = Number.POSITIVE_INFINITY;
  for (const { destination, delivery, endsAt } of listOpen()) {
    if (delivery?.value === 'delivering') continue;
    if (now < endsAt) nextAt = Math.min(nextAt, endsAt);
    else {
      const expired = deliveryExpiredFact(delivery, { invocation: id, destination, at: now });
      await writer.propose(id, [expired], outcome, notRedrivenSince(destination, delivery));
    }
  }
  if (listOpen().length > 0) return nextAt;
  await writer.propose(id, [{ type: 'notified', invocation: id, at: now }], outcome);
  return undefined;

  function listOpen() {
    const context = writer.state.invocations.get(id)?.context;
    if (context === undefined) return [];
    return openDeliveries(context).map(({ id: destination }) => {
      const delivery = deliveryOf(context, destination);
      return { destination, delivery, endsAt: deliveryEndsAt(delivery, context.outcome, maxDeliveryAgeInMs) };
    });
  }
}
