import { type DestinationTarget, MAX_DELIVERY_AGE_IN_MS } from '#src/core/ports/destination-target.ts';
import type { Teller } from '#src/core/stream/deliverer.ts';
import { createDeliveries } from './deliveries.ts';
import type { TellingOptions } from './try-options.ts';

/** Tells functions, and leaves all else to the destinations role: that needs no permission but to write to the log. */
export interface FunctionTeller extends Teller {
  /** Begins nothing more; resolves when the tries under way are recorded. */
  stop(): Promise<void>;
}

export type FunctionTellerOptions = Omit<TellingOptions, 'targets' | keyof typeof tryBounds | 'maxDeliveryAgeInMs'> & {
  targets: { FunctionGraph: DestinationTarget };
};

export function createFunctionTeller(options: FunctionTellerOptions): FunctionTeller {
  return createDeliveries({ ...options, ...tryBounds, maxDeliveryAgeInMs: MAX_DELIVERY_AGE_IN_MS, leavesOthers: true, onRest: () => {} });
}

/** What holds for every try, wherever it is made. */
export const tryBounds = { triesAtOnce: 32, tryTimeoutInMs: 15_000 };
