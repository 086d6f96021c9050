import { access } from 'node:fs/promises';
import { messageOf } from '#src/core/errors.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { LogLoss } from '#src/core/log/losses/log-loss.ts';
import { natsFailureOf, unknownInSilence } from '#src/core/no-answer-error.ts';
import { ASKED_ROLES, type RoleInstance, type RoleInstances } from '#src/core/ports/questions/role-instances.ts';
import type { MissingTarget } from '#src/functions/dependents.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { durabilityOf } from '../../durability.ts';
import { examineHistory } from './examine-history.ts';
import type { Examined } from './examined.ts';

type Wanted = { dataDir: string; withReplicas: boolean };

/**
 * Reads the facts that the doctor judges. Stores messages that nobody reads, and changes nothing else. Processes and projections that do not answer
 * are findings, and no errors.
 */
export async function examine(connection: Connection, { dataDir, withReplicas }: Wanted): Promise<Examined> {
  const { inspect, readAccount } = await import('#src/nats/inspection.ts');
  const { createNatsRoleInstances } = await import('#src/nats/questions/role-instances.ts');
  const { findRunningServer } = await import('#src/main/nats-server/running.ts');
  const { probeStore } = await import('#src/nats/store-probe.ts');
  const inspection = await inspect(connection);
  const own = await findRunningServer(dataDir);
  const isOwn = own !== undefined && portOf(own.url) === portOf(inspection.server.url);
  const registry = await readRegistry(connection);
  const functions = 'functions' in registry ? registry.functions : [];
  const roles = createNatsRoleInstances(connection);
  const instances = await roles.list().catch(unknownInSilence);
  const replicas = withReplicas ? await compareReplicas(connection) : undefined;
  return {
    inspection,
    account: await readAccount(connection),
    durability: durabilityOf(isOwn ? own.fsync : undefined),
    registry,
    schedules: await readSchedules(connection),
    pools: await readPools(connection, functions, inspection.consumers),
    missingFiles: await missingFiles(functions),
    missingTargets: await findMissingTargets(functions),
    untold: await findUntold(connection, functions),
    instances,
    silentRoles: await findSilentRoles(roles, instances),
    ...(await examineHistory(connection, {
      functions,
      last: lastSequenceOf(inspection),
      queues: new Set(inspection.consumers.map(({ name }) => name)),
    })),
    losses: await readLosses(connection),
    replicas,
    // A projection notices a replica with other messages by the newest one, which a message of this command would replace on all of them.
    ...(typeof replicas === 'object' && !replicas.isEqual ? {} : { store: await probeStore(connection, inspection.streams) }),
  };
}

const portOf = (url: string): string => url.split(':').at(-1) ?? '';

function lastSequenceOf({ streams: [log] }: Examined['inspection']): number {
  return log?.exists ? log.lastSequence : 0;
}

/** The roles that a process may have which did not answer the list (A1). */
async function findSilentRoles({ mayServe }: RoleInstances, instances: readonly RoleInstance[] = []): Promise<Examined['silentRoles']> {
  const unlisted = ASKED_ROLES.filter((role) => !instances.some(({ roles }) => roles.includes(role)));
  const found = await Promise.all(unlisted.map(async (role) => ((await mayServe(role)) ? [role] : [])));
  return found.flat();
}

async function compareReplicas(connection: Connection): Promise<Examined['replicas']> {
  const { examineReplicas } = await import('#src/nats/replicas/examine-replicas.ts');
  return (await examineReplicas(connection)) ?? 'one replica';
}

/** Without the state bucket, Sequent never ran on the server, and the missing stream is a finding. */
async function readLosses(connection: Connection): Promise<LogLoss[]> {
  const { createLossBook } = await import('#src/core/log/losses/loss-book.ts');
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
  try {
    const losses = await createLossBook(await openKeyValue(connection, STATE_BUCKET)).list();
    return losses.filter(({ acknowledged }) => acknowledged === undefined);
  } catch {
    return [];
  }
}

async function readRegistry(connection: Connection): Promise<{ functions: readonly FunctionEntry[] } | { why: string; isUnread: boolean }> {
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { createFunctionRegistry } = await import('#src/functions/registry.ts');
  const { FUNCTIONS_BUCKET } = await import('#src/nats/wire/topology.ts');
  try {
    return { functions: await createFunctionRegistry(await openKeyValue(connection, FUNCTIONS_BUCKET)).list() };
  } catch (error) {
    return { why: messageOf(error), isUnread: natsFailureOf(error) !== undefined };
  }
}

/** Without the buckets, Sequent never ran on the server, and their streams are findings. */
async function readSchedules(connection: Connection): Promise<Examined['schedules']> {
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { createScheduleStates } = await import('#src/functions/schedule-states.ts');
  const { FUNCTIONS_BUCKET, STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
  const read = async () => {
    const [store, state] = await Promise.all([openKeyValue(connection, FUNCTIONS_BUCKET), openKeyValue(connection, STATE_BUCKET)]);
    return await createScheduleStates({ store, state, clock: { now: Date.now } }).list(0);
  };
  return await read().catch(() => undefined);
}

async function readPools(
  connection: Connection,
  functions: readonly Pick<FunctionEntry, 'definition'>[],
  consumers: Examined['inspection']['consumers'],
): Promise<Examined['pools']> {
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { createClientFlow } = await import('#src/client/state/flow.ts');
  const { createClientHistory } = await import('#src/client/history/history.ts');
  const { createNatsHistory } = await import('#src/nats/questions/history-service.ts');
  const { FLOW_BUCKET } = await import('#src/nats/wire/topology.ts');
  const read = async () => {
    const ledger = await openKeyValue(connection, FLOW_BUCKET);
    const history = createClientHistory(createNatsHistory(connection));
    const flow = createClientFlow({ ledger, functions: { list: async () => functions }, history, consumers: async () => consumers });
    return await flow.pools();
  };
  return await read().catch(() => undefined);
}

async function findMissingTargets(functions: readonly FunctionEntry[]): Promise<MissingTarget[]> {
  const { missingTargets } = await import('#src/functions/dependents.ts');
  return missingTargets(functions);
}

async function findUntold(connection: Connection, functions: readonly FunctionEntry[]): Promise<Examined['untold']> {
  const { untoldFunctions } = await import('#src/functions/dependents.ts');
  const { readResultFilters } = await import('#src/nats/streams/results/result-filters.ts');
  const filters = await readResultFilters(connection);
  return filters && untoldFunctions(functions, filters);
}

/** The code of a package is in NATS, and needs no file on a machine (CODE1). */
async function missingFiles(functions: readonly Pick<FunctionEntry, 'definition'>[]): Promise<{ name: string; file: string }[]> {
  const missing: { name: string; file: string }[] = [];
  for (const { definition } of functions) {
    const { handler } = definition;
    if (handler.kind !== 'process' || handler.package !== undefined) continue;
    const { file } = handler;
    await access(file).catch(() => missing.push({ name: definition.name, file }));
  }
  return missing;
}
