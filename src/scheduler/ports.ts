import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Results } from '#src/core/log/results.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Admission } from '#src/core/ports/admission.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { OpenRequests } from '#src/core/ports/questions/open-requests.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { WorkConsumers } from '#src/core/stream/work-consumers.ts';

/**
 * Counts the members of a batch after a message of the log, or a later one. Rejects when no read model has it.
 *
 * The counts are those of one moment, so a member counts once (P1).
 */
export type CountMembers = (fn: FunctionName, batch: string, atLeast: number) => Promise<MemberCounts>;
export type MemberCounts = { members: number; open: number; byStatus: Readonly<Record<string, number>>; sequence: number };

/** The ports and settings of a scheduler. */
export type SchedulerOptions = {
  /** The name of this scheduler, which the log records. */
  name: string;
  tenancy: Tenancy;
  log: EventLog;
  hints: Hints;
  results: Results;
  /** The store of the floor, so that a restart reads the log from the oldest open request only. */
  state: KeyValue;
  /** The entries of the ledger of slots that functions share over all workers. */
  flow: KeyValue;
  functions: {
    get(name: FunctionName): FunctionEntry | undefined;
    onChange?(listener: (name: FunctionName) => void): void;
  };
  /** Reads a function from the registry. Throws `FunctionNotFoundError`. */
  findFunction: (name: string) => Promise<FunctionEntry>;
  /** The sequence up to which the items of a function were delivered to workers. */
  deliveredUpTo: (name: FunctionName) => Promise<number>;
  openRequests: OpenRequests;
  /** The consumers of functions. Without them, the queue delivers for every function at any time. */
  workConsumers?: WorkConsumers | undefined;
  /** After which time without an item the consumer of a function is removed, in milliseconds; ten minutes by default. */
  idleAfterInMs?: number | undefined;
  /** Whether the log admits requests. Absent for a log that is never full. */
  admission?: Admission;
  clock: Clock;
  logger: Logger;
  appendId: () => string;
  /** Whether this process may act now; always, by default. */
  takesWork?: () => boolean;
  /** How long other roles may take before the scheduler inspects a stream, in milliseconds. */
  patienceInMs: number;
  /** Counts the members of a batch. Without it, no batch completes. */
  countMembers?: CountMembers;
  /** The maximum age of a delivery, in milliseconds. */
  maxDeliveryAgeInMs: number;
};
