import type { DestinationCheck } from '#src/core/ports/destination-check.ts';
import type { WorkQueue } from '#src/core/stream/work-queue.ts';
import type { Circuits } from './circuits.ts';
import type { Parking } from './parking.ts';
import type { TargetLimiter } from './target-limiter.ts';
import type { Tries } from './tries.ts';
import type { TryOptions } from './try-options.ts';

/** The options of the destinations role. */
export type DestinationsOptions = TryOptions & { queue: WorkQueue; check: DestinationCheck };

/** What the runs of one process share. */
export type DeliveryPorts = TryOptions & {
  limiter: TargetLimiter;
  circuits: Circuits;
  parking: Parking;
  tries: Tries;
  /** The ids of the deliveries whose tries this process makes now. */
  active: Set<string>;
  /** True: destinations of a kind without a target here belong to the destinations role. False: their deliveries end dead. */
  skipsUnknownKinds: boolean;
};
