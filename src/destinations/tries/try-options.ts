import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Results } from '#src/core/log/results.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Clock, Timers } from '#src/core/ports/clock.ts';
import type { DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { ExecutionProbe } from '#src/core/ports/questions/execution-probe.ts';

/** The options of every deliverer. */
export type TryOptions = {
  /** The name of this deliverer. The log records it, so no two deliverers ever share a name. */
  name: string;
  tenancy: Tenancy;
  log: EventLog;
  results: Results;
  executionProbe: ExecutionProbe;
  clock: Clock;
  timers?: Timers | undefined;
  /** A number in [0, 1), by which the redeliveries of parked items are spread. */
  random?: (() => number) | undefined;
  logger: Logger;
  appendId: () => string;
  /** Opens the payloads of encrypting projects for targets. */
  payloads?: PayloadSealer | undefined;
  /** By the name of the destination: `FunctionGraph`, `OBS`, … */
  targets: Readonly<Record<string, DestinationTarget>>;
  /** How many invocations may follow from one request, in all branches of its chain together (L2). */
  maxChain: number;
  /** How many tries may run at once for one limit key, unless the target has its own bound. */
  triesAtOnce: number;
  /** How long one try may take, in milliseconds. */
  tryTimeoutInMs: number;
  /** How long after its outcome a delivery may be tried, in milliseconds. */
  maxDeliveryAgeInMs: number;
};
