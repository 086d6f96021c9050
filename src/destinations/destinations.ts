import { systemTimers } from '#src/core/ports/clock.ts';
import type { CircuitState } from '#src/core/ports/questions/circuit-states.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import { createDeliveries } from './deliveries.ts';
import type { DestinationsOptions } from './ports.ts';

/** The destinations role: delivers outcomes to the configured targets. */
export interface Destinations {
  /** For a worker in this process. */
  readonly deliverer: LocalDeliverer;
  /** The circuits of this process that are not closed now. */
  readonly circuits: CircuitState[];
  /** Takes no further work; resolves once the results of all current tries are recorded. */
  stop(): Promise<void>;
}

export function startDestinations({ queue, check, ...options }: DestinationsOptions): Destinations {
  const { targets, timers = systemTimers } = options;
  const stopping = new AbortController();
  const deliveries = createDeliveries({ ...options, skipsUnknownKinds: false, onDemand: () => subscription.pull() });
  const subscription = queue.run({
    source: { kind: 'deliveries' },
    signal: stopping.signal,
    demand: () => deliveries.demand,
    onItem: (item) => (stopping.signal.aborted ? item.release() : deliveries.accept(item)),
  });
  const endLeases = timers.every(queue.leaseInMs / 3, deliveries.keepLeases);
  check.answer(async ({ destination, param, function: name }) => {
    const target = targets[destination];
    return target === undefined ? `there is no destination ${destination}` : (target.refuse(param, name) ?? (await target.check?.(param)));
  }, stopping.signal);

  return {
    deliverer: deliveries,
    get circuits() {
      return deliveries.circuits;
    },
    async stop() {
      stopping.abort();
      await subscription.done;
      await deliveries.stop();
      endLeases();
    },
  };
}
