import type { EventLog } from '#src/core/log/event-log.ts';
import { ASKED_ROLES, type AskedRole, type RoleInstance, type RoleInstances } from '#src/core/ports/questions/role-instances.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { readFloor, SCHEDULER_FLOOR } from '#src/core/ports/stores/saved-floor.ts';
import { type Inspection, inspect } from '#src/nats/inspection.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';

/** The present state of NATS, of Sequent on it, and of the running roles. */
export type SystemState = Inspection & {
  /** The processes that answered, each with its roles and its load. */
  instances: RoleInstance[];
  /** The roles that no listed process has, and that a process may have which did not answer (A1). */
  silentRoles: AskedRole[];
  /** The oldest request that is not over, as the scheduler saved it some seconds ago; `acceptedAt` in milliseconds since the epoch. */
  oldestOpen: { requestId: string; function: string; acceptedAt: number } | undefined;
};

export type SystemOptions = { connection: Connection; log: EventLog; state: KeyValue; roleInstances: RoleInstances };

/**
 * Reads the state of the system. Changes nothing. Listing the instances takes half a second, because answers are collected for that time.
 *
 * Throws `NoAnswerError` when processes run and none answers.
 */
export async function readSystem(
  { connection, log, state, roleInstances }: SystemOptions,
  { instances: listsInstances = true }: { instances?: boolean } = {},
): Promise<SystemState> {
  const [inspection, instances, oldestOpen] = await Promise.all([
    inspect(connection),
    listsInstances ? roleInstances.list() : [],
    findOldestOpen(log, state),
  ]);
  const silentRoles = listsInstances ? await findSilentRoles(instances, roleInstances) : [];
  return { ...inspection, instances, silentRoles, oldestOpen };
}

async function findSilentRoles(instances: readonly RoleInstance[], { mayServe }: RoleInstances): Promise<AskedRole[]> {
  const unlisted = ASKED_ROLES.filter((role) => !instances.some(({ roles }) => roles.includes(role)));
  const found = await Promise.all(unlisted.map(async (role) => ((await mayServe(role)) ? [role] : [])));
  return found.flat();
}

/** Reads the request at the scheduler's floor, which is the oldest open request. While nothing is open, no request is at the floor. */
async function findOldestOpen(log: EventLog, state: KeyValue): Promise<SystemState['oldestOpen']> {
  const floor = (await readFloor(state, SCHEDULER_FLOOR)) ?? 0;
  const message = floor > 0 ? await log.readRequest(floor) : undefined;
  const [first] = message?.requests ?? [];
  if (message === undefined || first === undefined) return undefined;
  return { requestId: first.fact.invocation, function: message.name.function, acceptedAt: message.at };
}
