import type { DestinationTarget } from '#src/core/destination-target.ts';
import type { Teller } from '#src/core/teller.ts';
import { createDeliveries } from './deliveries.ts';
import type { TellingOptions } from './ports.ts';

/** Tells functions, and leaves all else to the destinations role: that needs no permission but to write to the log. */
export interface FunctionTeller extends Teller {
  /** Begins nothing more; resolves when the tries under way are recorded. */
  stop(): Promise<void>;
}

export type FunctionTellerOptions = Omit<TellingOptions, 'targets' | keyof typeof deliveryBounds> & {
  targets: { FunctionGraph: DestinationTarget };
};

export function createFunctionTeller(options: FunctionTellerOptions): FunctionTeller {
  return createDeliveries({ ...options, ...deliveryBounds, leavesOthers: true, onRest: () => {} });
}

/** How deliveries are made, wherever that is. */
export const deliveryBounds = { triesAtOnce: 32, tryTimeoutInMs: 15_000, maxDeliveryAgeInMs: 86_400_000 };
