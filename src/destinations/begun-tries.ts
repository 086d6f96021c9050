import type { Delivery } from '#machines/delivery.ts';
import type { FactOf, Outcome } from '#machines/facts.ts';
import type { BegunTries } from '#src/core/teller.ts';
import type { DeliveryPorts } from './ports.ts';

/** The first tries that begin together with their outcome, from then until they are made: each has its place already. */
export interface Beginnings {
  readonly size: number;
  /** Begins those whose places are free. */
  begin(outcome: Outcome): Omit<BegunTries, 'make'> | undefined;
  /** Hands a begun try over to whoever makes it now, once the log says that it began; returns what ends it. */
  claim(deliveryId: string, delivery: Delivery | undefined): (() => void) | undefined;
  /** Nobody will make it. It is in the log, so it is seen there and made again. */
  drop(deliveryId: string): void;
}

export function createBeginnings({ name, targets, places, active, triesAtOnce }: Omit<DeliveryPorts, 'beginnings'>): Beginnings {
  const begun = new Map<string, () => void>();

  function remove(deliveryId: string): (() => void) | undefined {
    const end = begun.get(deliveryId);
    begun.delete(deliveryId);
    return end;
  }

  return {
    get size() {
      return begun.size;
    },
    claim(deliveryId, delivery) {
      const isOurs = delivery?.value === 'delivering' && delivery.context.tries === 1 && delivery.context.deliverer === name;
      return isOurs ? remove(deliveryId) : undefined;
    },
    drop: (deliveryId) => remove(deliveryId)?.(),
    begin({ invocation, at, destinations = [] }) {
      const ids: string[] = [];
      const facts: FactOf<'delivery.started'>[] = [];
      for (const destination of destinations) {
        const target = targets[destination.destination];
        if (target === undefined) continue;
        const leave = places.enterAtOnce(target.placeOf(destination), target.triesAtOnce ?? triesAtOnce);
        if (leave === undefined) continue;
        const id = `${invocation}/${destination.id}`;
        ids.push(id);
        active.add(id);
        begun.set(id, () => {
          active.delete(id);
          leave();
        });
        facts.push({ type: 'delivery.started', invocation, at, destination: destination.id, try: 1, deliverer: name });
      }
      if (facts.length === 0) return undefined;
      return {
        facts,
        callOff: () => {
          for (const id of ids) remove(id)?.();
        },
      };
    },
  };
}
