import { type DestinationTarget, MAX_DELIVERY_AGE_IN_MS } from '#src/core/ports/destination-target.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import { createDeliveries } from './deliveries.ts';
import type { TryOptions } from './tries/try-options.ts';

/**
 * Delivers to functions, and leaves every other kind to the destinations role.
 *
 * A delivery to a function needs only the permission to write to the log, so a worker of the user's own process can make it.
 */
export interface FunctionDeliverer extends LocalDeliverer {
  /** Starts no further try; resolves once the results of all current tries are recorded. */
  stop(): Promise<void>;
}

export type FunctionDelivererOptions = Omit<TryOptions, 'targets' | keyof typeof tryBounds | 'maxDeliveryAgeInMs'> & {
  targets: { FunctionGraph: DestinationTarget };
};

export function createFunctionDeliverer(options: FunctionDelivererOptions): FunctionDeliverer {
  return createDeliveries({
    ...options,
    ...tryBounds,
    maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS,
    skipsUnknownKinds: true,
    onDemand: () => {},
  });
}

/** The bounds of every try, in the destinations role and in workers. */
export const tryBounds = { triesAtOnce: 32, tryTimeoutInMs: 15_000 };
