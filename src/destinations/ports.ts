import type { DestinationCheck } from '#src/core/ports/questions/destination-check.ts';
import type { WorkQueue } from '#src/core/stream/work-queue.ts';
import type { Circuits } from './limits/circuits.ts';
import type { Parking } from './limits/parking.ts';
import type { TargetLimiter } from './limits/target-limiter.ts';
import type { FirstTries } from './tries/first-tries.ts';
import type { Tries } from './tries/tries.ts';
import type { TryOptions } from './tries/try-options.ts';

/** The options of the destinations role. */
export type DestinationsOptions = TryOptions & { queue: WorkQueue; check: DestinationCheck };

/** What the runs of one process share. */
export type DeliveryPorts = TryOptions & {
  limiter: TargetLimiter;
  circuits: Circuits;
  parking: Parking;
  tries: Tries;
  firstTries: Pick<FirstTries, 'has'>;
  /** The ids of the deliveries whose tries the runs of this process make now. */
  active: Set<string>;
  /** True: destinations of a kind without a target here belong to the destinations role. False: their deliveries end dead. */
  skipsUnknownKinds: boolean;
};
