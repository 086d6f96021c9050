import { deliveryMachine } from '#machines/delivery.ts';
import { invocationMachine } from '#machines/invocation.ts';
import type { SystemState } from '#src/client/client.ts';
import { HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import { describeLoss, LOSS_REMEDY, lostAtMost } from '#src/core/log/log-loss.ts';
import { CIRCUIT_REMEDY, describeCircuit, unclosedCircuits } from '#src/core/unclosed-circuits.ts';
import type { LogProblems } from '../operations/log-problem-metrics.ts';
import { ownerOf } from '../operations/read-lag.ts';
import type { Gateway } from '../ports.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { withoutUndefined } from './invocation-view.ts';
import type { Routes } from './route.ts';
import { machineSchema, type SystemView, systemSchema } from './schemas/system.ts';

/** The state of the system, and the configuration of its machines. */
export function addSystemRoutes(routes: Routes, gateway: Gateway, version: string): void {
  routes.add(
    {
      method: 'get',
      path: '/api/system',
      summary: 'The running roles, the lag of each role, the log and the read model',
      answers: { 200: { description: 'the system', schema: systemSchema } },
    },
    async (call) => {
      const scope = scopeOf(call, gateway);
      const [state, projection, dead] = await Promise.all([gateway.client.system(), readProjection(gateway), countDead(gateway, scope)]);
      const oldest = await oldestOf(gateway, scope, state);
      const view = {
        version,
        project: scope.project,
        ...viewOf(state, scope, gateway),
        ...projection,
        ...oldest,
        ...dead,
      };
      return call.json(scope.isOpen || scope.project === gateway.tenancy.project ? view : withoutOperatorFields(view));
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/machine',
      summary: 'The state machines of an invocation and of a delivery, as XState configurations',
      answers: { 200: { description: 'the machines', schema: machineSchema } },
    },
    (call) => call.json({ invocation: invocationMachine.config, delivery: deliveryMachine.config }),
  );
}

/** The view for a project other than the own one: its functions and the kinds of running roles. Hosts, processes and totals are hidden. */
function withoutOperatorFields({ server: _, log: __, roles, lags, projection, ...view }: SystemView): SystemView {
  return {
    ...view,
    roles: [...new Set(roles.map(({ role }) => role))].map((role) => ({ role, instance: role })),
    lags: lags.filter(({ role }) => role === 'worker'),
    ...(projection === undefined ? {} : { projection: { ...projection, instance: 'projection', problems: undefined } }),
  };
}

function viewOf(
  { server, streams, storage, consumers, instances }: SystemState,
  scope: Scope,
  { replicaWatch, logWatch }: Gateway,
): Pick<SystemView, 'server' | 'roles' | 'lags' | 'circuits' | 'log'> {
  const log = streams.find(({ name }) => name === 'INVOCATIONS');
  const known = log?.exists ? log : undefined;
  const durability = instances.find((one) => one.durability !== undefined && one.durability !== 'unknown')?.durability ?? 'unknown';
  return {
    server: withoutUndefined({ version: server.version, round_trip_ms: server.roundTripInMs, clock_ahead_ms: server.clockAheadInMs }),
    roles: instances.flatMap((instance) => instance.roles.map((role) => withoutUndefined(roleViewOf(role, instance)))),
    lags: consumers.flatMap((consumer) => {
      const { name, pending, unacknowledged, redelivered, waiting } = consumer;
      const { role, function: token } = ownerOf(consumer);
      if (token !== '' && !scope.owns(token)) return [];
      const shown = token === '' ? name : scope.nameOf(token);
      return [{ role, name: shown, waiting: pending, at_work: unacknowledged, again: redelivered, is_attended: waiting > 0 }];
    }),
    circuits: circuitsOf(instances, scope),
    log: withoutUndefined({
      messages: known?.messages ?? 0,
      bytes: known?.bytes ?? 0,
      subjects: known?.subjects ?? 0,
      first_sequence: known?.firstSequence ?? 0,
      last_sequence: known?.lastSequence ?? 0,
      durability,
      durability_in_words: durabilityInWords[durability] ?? durability,
      replicas: known?.replicas ?? 0,
      replica_difference: replicaWatch?.difference,
      losses: lossesOf(logWatch),
      refusal: refusalOf(instances, logWatch),
      storage: known?.storage ?? 'unknown',
      used_bytes: storage.usedInBytes,
      limit_bytes: storage.limitInBytes,
    }),
  };
}

function lossesOf({ losses }: LogProblems = { losses: [], refusal: undefined }): NonNullable<SystemView['log']>['losses'] {
  return losses.map((loss) => ({
    id: loss.id,
    found_at: loss.foundAt,
    lost_at_most: lostAtMost(loss),
    from: loss.keptAt,
    to: loss.lostAt,
    in_words: `${describeLoss(loss)}; ${LOSS_REMEDY}`,
  }));
}

/** The last refusal of a full log that any process reports. */
function refusalOf(instances: SystemState['instances'], logWatch: LogProblems | undefined): { at: number; why: string } | undefined {
  const own = logWatch?.refusal;
  const refused = instances.find(({ logRefusal }) => logRefusal !== undefined);
  if (refused?.logRefusal === undefined) return own;
  return { at: refused.logRefusedAt ?? own?.at ?? 0, why: refused.logRefusal };
}

function circuitsOf(instances: SystemState['instances'], scope: Scope): SystemView['circuits'] {
  return unclosedCircuits(instances)
    .filter((circuit) => scope.owns(circuit.function))
    .map((circuit) => {
      const { target, state, openUntil, failures, reason } = circuit;
      const name = scope.nameOf(circuit.function);
      return {
        function: name,
        target,
        state,
        ...(state === 'open' ? { open_until: openUntil } : {}),
        failures,
        reason,
        in_words: `${describeCircuit({ ...circuit, function: name })}; try: ${CIRCUIT_REMEDY}`,
      };
    });
}

function roleViewOf(role: string, { instance, host, pid, version, startedAt, isolation, ...clock }: SystemState['instances'][number]) {
  return {
    role,
    instance,
    host,
    pid,
    version,
    started_at: startedAt,
    isolation: role === 'worker' ? isolation : undefined,
    clock_ahead_ms: clock.clockAheadInMs,
    clock_uncertainty_ms: clock.clockUncertaintyInMs,
    takes_work: clock.takesWork,
  };
}

const durabilityInWords: Readonly<Record<string, string>> = {
  always: 'an acknowledged message is on disk',
  '100ms': 'a power cut loses at most the last 100 ms; killed processes lose nothing',
  default: "a power cut loses up to the last 2 minutes (JetStream's own setting)",
  unknown: "Sequent did not start the server; JetStream's default syncs every 2 minutes",
};

/** The state of the read model; empty if no projection runs. */
async function readProjection({ client }: Gateway): Promise<Pick<SystemView, 'projection'>> {
  try {
    const { instance, sequence, lag, lagInMs, problems, isReady, rebuild } = await client.history.status();
    const rebuilding = rebuild === null ? undefined : { why: rebuild.why, percent: rebuild.percent, seconds_left: rebuild.secondsLeft };
    return { projection: withoutUndefined({ instance, sequence, lag, lag_ms: lagInMs, problems, is_ready: isReady, rebuild: rebuilding }) };
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return {};
    throw error;
  }
}

async function countDead({ client }: Gateway, scope: Scope): Promise<Pick<SystemView, 'dead_letters' | 'is_dead_letters_at_least'>> {
  try {
    const { deadLetters, cursor } = await client.history.deadLetters({ ...scope.filter, limit: 500 });
    return { dead_letters: deadLetters.length, is_dead_letters_at_least: cursor !== null };
  } catch (error) {
    if (error instanceof HistoryUnavailableError) return {};
    throw error;
  }
}

/** The oldest open invocation that the scheduler saved, unless it was notified since. */
async function oldestOf({ client }: Gateway, scope: Scope, { oldestOpen }: SystemState): Promise<Pick<SystemView, 'oldest_open'>> {
  if (oldestOpen === undefined || !scope.owns(oldestOpen.function)) return {};
  try {
    const { state } = await client.timeline(oldestOpen.requestId, { function: oldestOpen.function });
    if (state === 'notified') return {};
  } catch (error) {
    // A queued invocation may have no timeline yet. It is open.
    if (!(error instanceof InvocationNotFoundError)) throw error;
  }
  const { requestId, function: token, acceptedAt } = oldestOpen;
  return { oldest_open: { request_id: requestId, function: scope.nameOf(token), accepted_at: acceptedAt } };
}
