import type { CanaryVerdict } from '#src/analysis/canary/judge-canary.ts';
import type { FailingPlatform } from '#src/analysis/explain/platform-failures.ts';
import type { PlainRequests } from '#src/analysis/plain-requests.ts';
import type { PoolState } from '#src/client/state/flow.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { HistoryStatus } from '#src/core/history-questions.ts';
import type { LogLoss } from '#src/core/log/losses/log-loss.ts';
import type { AskedRole, RoleInstance } from '#src/core/ports/questions/role-instances.ts';
import type { MissingTarget, UntoldFunction } from '#src/functions/dependents.ts';
import type { ScheduleState } from '#src/functions/schedule-states.ts';
import type { ConnectionAccount, Inspection } from '#src/nats/inspection.ts';
import type { ReplicaComparison } from '#src/nats/replicas/compare-replicas.ts';
import type { StoreProbe } from '#src/nats/store-probe.ts';
import type { Durability } from '../../durability.ts';

/** What the doctor read, before it judges. */
export type Examined = {
  inspection: Inspection;
  durability: Durability;
  /** Whether NATS stores a message of this command; absent when it was not tried. */
  store?: StoreProbe;
  /** The account of this connection; `undefined` when the server does not tell it. */
  account?: ConnectionAccount | undefined;
  /** The functions, or why they cannot be read. `isUnread`: NATS did not return them, so that none of them is at fault. */
  registry: { functions: readonly FunctionEntry[] } | { why: string; isUnread?: boolean };
  /** The schedules with their progress; `undefined` when they cannot be read. */
  schedules?: readonly ScheduleState[] | undefined;
  /** The slots over all workers; `undefined` when they cannot be read. */
  pools?: readonly PoolState[] | undefined;
  /** The quotas of open invocations, with what is open; `undefined` when no projection answered. */
  quotas?: readonly { project: string | undefined; open: number; limit: number }[] | undefined;
  /** The files of process functions that are not on this machine. */
  missingFiles: readonly { name: string; file: string }[];
  /** The destinations of stored definitions whose function, version or alias does not exist. */
  missingTargets?: readonly MissingTarget[];
  /** The functions whose failures reach no destination and no consumer of RESULTS; `undefined` when the consumers cannot be read. */
  untold?: readonly UntoldFunction[] | undefined;
  /** Every projection that answers; `undefined` when none was asked. */
  projections?: readonly HistoryStatus[];
  /** The running processes; `undefined` when none was asked, or processes run and none answered. */
  instances?: readonly RoleInstance[] | undefined;
  /** The roles that a process may have which did not answer (A1); absent when none was asked. */
  silentRoles?: readonly AskedRole[] | undefined;
  /** The deliveries that are dead; `undefined` when no projection answered. */
  deadLetters?: { count: number; isAtLeast: boolean } | undefined;
  /** How many requests wait of each function that has no queue yet; `undefined` when no projection answered. */
  unclaimed?: ReadonlyMap<string, number> | undefined;
  /** The canaries that are worse than their main version, and the automatic ones that are undecided; `undefined` when no projection answered. */
  canaries?: readonly (Pick<CanaryVerdict, 'text' | 'remedy' | 'automatic'> & { function: string; alias: string })[] | undefined;
  /** The losses of the log that no operator has acknowledged; `undefined` when they were not read. */
  losses?: readonly LogLoss[];
  /** The functions that the platform cannot run; `undefined` when no projection answered. */
  failing?: readonly FailingPlatform[] | undefined;
  /** Open invocations of which the machine accepts no fact that leads them on, among the oldest ones; `undefined` when no projection answered. */
  withoutWayOn?: readonly { id: string; function: string; why: string }[] | undefined;
  /** The requests that were refused in plain text; `undefined` when no projection answered. */
  plainRequests?: readonly PlainRequests[] | undefined;
  /** The comparison of the replicas of the log; `undefined` when they were not compared. */
  replicas?: ReplicaComparison | 'one replica' | undefined;
};
