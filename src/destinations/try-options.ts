import type { Clock } from '#src/core/ports/clock.ts';
import type { DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { Owners } from '#src/core/ports/execution-probe.ts';
import type { Place } from '#src/core/names/tenancy.ts';

/** What every deliverer is given. */
export type TellingOptions = {
  /** The name of this deliverer, unique among all that ever ran: the log records it. */
  name: string;
  place: Place;
  log: EventLog;
  owners: Owners;
  clock: Clock;
  logger: Logger;
  appendId: () => string;
  /** By the name of the destination: `FunctionGraph`, `OBS`, … */
  targets: Readonly<Record<string, DestinationTarget>>;
  /** How many invocations may follow from one, in all branches of its chain together (L2). */
  maxChain: number;
  /** The most tries at one place at one moment, unless its target says otherwise. */
  triesAtOnce: number;
  /** How long one try may take, in milliseconds. */
  tryTimeoutInMs: number;
  /** How long after the outcome a delivery is tried, in milliseconds. */
  maxDeliveryAgeInMs: number;
};
