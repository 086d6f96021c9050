import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Results } from '#src/core/log/results.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { OpenRequests } from '#src/core/ports/open-requests.ts';
import type { Hints } from '#src/core/stream/hints.ts';

/** What the scheduler is given. */
export type SchedulerOptions = {
  /** The name of this scheduler: the log records it. */
  name: string;
  tenancy: Tenancy;
  log: EventLog;
  hints: Hints;
  results: Results;
  /** Where the oldest open request is remembered, so that a restart reads only what is open. */
  state: KeyValue;
  functions: { get(name: FunctionName): FunctionEntry | undefined };
  /** Asks the registry itself. Throws `FunctionNotFoundError`. */
  findFunction: (name: string) => Promise<FunctionEntry>;
  /** Up to which sequence the work of a function was handed out to workers. */
  deliveredUpTo: (name: FunctionName) => Promise<number>;
  openRequests: OpenRequests;
  clock: Clock;
  logger: Logger;
  appendId: () => string;
  /** How long others may take before the scheduler looks, in milliseconds. */
  patienceInMs: number;
  /** How long after the outcome a delivery is tried, in milliseconds. */
  maxDeliveryAgeInMs: number;
};
