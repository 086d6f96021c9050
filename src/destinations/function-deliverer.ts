import { type DestinationTarget, MAX_DELIVERY_AGE_IN_MS } from '#src/core/ports/destination-target.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import { createDeliveries } from './deliveries.ts';
import type { TryOptions } from './try-options.ts';

/** Tells functions, and leaves all else to the destinations role: that needs no permission but to write to the log. */
export interface FunctionDeliverer extends LocalDeliverer {
  /** Begins nothing more; resolves when the tries under way are recorded. */
  stop(): Promise<void>;
}

export type FunctionDelivererOptions = Omit<TryOptions, 'targets' | keyof typeof tryBounds | 'maxDeliveryAgeInMs'> & {
  targets: { FunctionGraph: DestinationTarget };
};

export function createFunctionDeliverer(options: FunctionDelivererOptions): FunctionDeliverer {
  return createDeliveries({ ...options, ...tryBounds, maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS, leavesOthers: true, onRest: () => {} });
}

/** What holds for every try, wherever it is made. */
export const tryBounds = { triesAtOnce: 32, tryTimeoutInMs: 15_000 };
