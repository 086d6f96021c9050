import type { EventLog } from '#src/core/log/event-log.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { ExecutionProbe } from '#src/core/ports/execution-probe.ts';
import type { Logger } from '#src/core/ports/logger.ts';

/** What every deliverer is given. */
export type TryOptions = {
  /** The name of this deliverer, unique among all that ever ran: the log records it. */
  name: string;
  tenancy: Tenancy;
  log: EventLog;
  executionProbe: ExecutionProbe;
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
