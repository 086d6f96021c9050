import type { DestinationCheck } from '#src/core/ports/destination-check.ts';
import type { WorkQueue } from '#src/core/stream/work-queue.ts';
import type { Parking } from './parking.ts';
import type { TargetLimiter } from './target-limiter.ts';
import type { Tries } from './tries.ts';
import type { TryOptions } from './try-options.ts';

/** What the destinations role is given besides. */
export type DestinationsOptions = TryOptions & { queue: WorkQueue; check: DestinationCheck };

/** Everything that deliveries touch. */
export type DeliveryPorts = TryOptions & {
  limiter: TargetLimiter;
  parking: Parking;
  tries: Tries;
  /** The ids of the deliveries that this process makes at this moment. */
  active: Set<string>;
  /** What has no target here is somebody else's; otherwise it ends dead. */
  leavesOthers: boolean;
};
