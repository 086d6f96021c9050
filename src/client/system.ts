import type { EventLog } from '#src/core/log/event-log.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { RoleInstance, RoleInstances } from '#src/core/ports/role-instances.ts';
import { readFloor } from '#src/core/ports/scheduler-floor.ts';
import { type Inspection, inspect } from '#src/nats/inspection.ts';
import type { Connection } from '#src/nats/transport/connection.ts';

/** The system as it is now, by looking. */
export type SystemState = Inspection & {
  instances: RoleInstance[];
  /** The oldest request that is not over; some seconds old. */
  oldestOpen: { requestId: string; function: string; acceptedAt: number } | undefined;
};

export type SystemOptions = { connection: Connection; log: EventLog; state: KeyValue; roleInstances: RoleInstances };

/** Looks at the server, the streams, the consumers, and who is there, which takes half a second. Changes nothing. */
export async function readSystem(
  { connection, log, state, roleInstances }: SystemOptions,
  { instances: isAsked = true }: { instances?: boolean } = {},
): Promise<SystemState> {
  const [inspection, instances, oldestOpen] = await Promise.all([
    inspect(connection),
    isAsked ? roleInstances.list() : [],
    findOldestOpen(log, state),
  ]);
  return { ...inspection, instances, oldestOpen };
}

/** The scheduler saves from where on it knows all that is open: that message is the oldest open request, unless nothing is open. */
async function findOldestOpen(log: EventLog, state: KeyValue): Promise<SystemState['oldestOpen']> {
  const floor = (await readFloor(state)) ?? 0;
  const message = floor > 0 ? await log.readRequest(floor) : undefined;
  const [first] = message?.requests ?? [];
  if (message === undefined || first === undefined) return undefined;
  return { requestId: first.fact.invocation, function: message.name.function, acceptedAt: message.at };
}
