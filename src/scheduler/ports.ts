import type { Clock } from '#src/core/clock.ts';
import type { EventLog } from '#src/core/event-log.ts';
import type { FunctionEntry } from '#src/core/function-entry.ts';
import type { Hints } from '#src/core/hints.ts';
import type { KeyValue } from '#src/core/key-value.ts';
import type { Logger } from '#src/core/logger.ts';
import type { FunctionName } from '#src/core/names.ts';
import type { OpenRequests } from '#src/core/open-requests.ts';
import type { Results } from '#src/core/results.ts';
import type { Place } from '#src/core/tenancy.ts';

/** What the scheduler is given. */
export type SchedulerOptions = {
  /** The name of this scheduler: the log records it. */
  name: string;
  place: Place;
  log: EventLog;
  hints: Hints;
  results: Results;
  /** Where the oldest open request is remembered, so that a restart reads only what is open. */
  state: KeyValue;
  functions: { get(name: FunctionName): FunctionEntry | undefined };
  /** Asks the registry itself. Throws `FunctionNotFoundError`. */
  findFunction: (name: string) => Promise<FunctionEntry>;
  /** Up to which sequence the work of a function was handed out to workers. */
  handedOut: (name: FunctionName) => Promise<number>;
  openRequests: OpenRequests;
  clock: Clock;
  logger: Logger;
  appendId: () => string;
  /** How long others may take before the scheduler looks, in milliseconds. */
  patienceInMs: number;
  /** How long after the outcome a delivery is tried, in milliseconds. */
  maxDeliveryAgeInMs: number;
};
