import type { ThreadUse } from '#src/core/quotas/thread-time.ts';
import type { CircuitState } from './circuit-states.ts';

/** What the functions of a project used of the processors of a worker, and whether they waited for them in the last minute. */
export type ProcessorUse = { project: string; usedInMs: number; waitedInMs: number; hasWaited: boolean };

/** One process of Sequent with its roles. */
export type RoleInstance = {
  /** Unique among all running processes. */
  instance: string;
  roles: readonly string[];
  version: string;
  host: string;
  pid: number;
  /** In milliseconds since the epoch. */
  startedAt: number;
  /** What an acknowledgement of the server promises, if this process started the server; otherwise `unknown`. */
  durability?: string | undefined;
  /** How a worker isolates the code of other projects, in one line. */
  isolation?: string | undefined;
  /** The slots of its worker that executions hold, and all of them; absent without a worker. */
  heldSlots?: number | undefined;
  slots?: number | undefined;
  /** What the functions of other projects used of its processors since its start; absent without a worker. */
  processorUse?: readonly ProcessorUse[] | undefined;
  /** What the bytes of each project cost its main thread; absent in a process of an earlier version. */
  threadUse?: readonly ThreadUse[] | undefined;
  /** How far the clock of its machine is ahead of the server's, in milliseconds; absent until it is measured. */
  clockAheadInMs?: number | undefined;
  clockUncertaintyInMs?: number | undefined;
  /** False while the process takes no work, because its clock is beyond the limit, or the server has not sent its time yet. */
  takesWork?: boolean | undefined;
  /** When and why the log refused a message of this process because it is full; absent when every later message was stored. */
  logRefusedAt?: number | undefined;
  logRefusal?: string | undefined;
  /** The files of the process that cannot be used, or soon cannot, in sentences. */
  fileProblems?: readonly string[] | undefined;
  /** The projects whose payloads the process must seal or open, and has no key for. Absent when its roles need none. */
  missingKeys?: readonly string[] | undefined;
  /** The circuits of its destinations role that are not closed; absent without that role. */
  circuits?: readonly CircuitState[] | undefined;
  /** How many further circuits are not closed, because an answer names a bounded number of circuits. */
  omittedCircuits?: number | undefined;
  /** The time of the last read of the metrics of all projects from its gateway; absent before the first read, and without a gateway. */
  metricsReadAt?: number | undefined;
};

/** The roles that are asked on a subject of their own, so that the server knows whether one runs. */
export const ASKED_ROLES = ['scheduler', 'destinations'] as const;
export type AskedRole = (typeof ASKED_ROLES)[number];

/** The running processes. Nothing is stored: each process answers for itself, and a process that ended does not answer. */
export interface RoleInstances {
  /** Answers for this process until the returned function is called. Every answer reads `own` again. */
  announce(own: RoleInstance): Promise<() => Promise<void>>;
  /**
   * The processes that answer within half a second; none when no process runs. Throws `NoAnswerError` when one runs and none answers for ten
   * seconds (A1).
   */
  list(): Promise<RoleInstance[]>;
  /** Whether a process may have the role, also one that does not answer. False is proved: nothing subscribes to the questions for the role. */
  mayServe(role: AskedRole): Promise<boolean>;
}
