import { deliveryMachine } from '#machines/delivery.ts';
import { invocationMachine } from '#machines/invocation.ts';
import { plainRequestsInWords, plainRequestsRemedy, readPlainRequests } from '#src/analysis/plain-requests.ts';
import type { SystemState } from '#src/client/client.ts';
import { HistoryUnavailableError, InvocationNotFoundError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import { describeLoss, LOSS_REMEDY, lostAtMost } from '#src/core/log/losses/log-loss.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import { runningVersions } from '#src/core/running-versions.ts';
import { inLanguage, type Language } from '#src/core/text/language.ts';
import { CIRCUIT_REMEDY, describeCircuit, unclosedCircuits } from '#src/core/unclosed-circuits.ts';
import { languageOfCall } from '../../http/language.ts';
import type { LogProblems } from '../../metrics/problem-metrics.ts';
import { refusalOf } from '../../operations/read-lag.ts';
import { readWaits } from '../../operations/read-waits.ts';
import type { Gateway } from '../../ports.ts';
import { allFigures } from '../../quotas/quota-figures.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import type { Routes } from '../route.ts';
import { lagsOf } from './lags.ts';
import { machineSchema, type SystemView, systemSchema } from './system-schemas.ts';

/** A view without a part, because no projection runs. */
const without = fallback({}, HistoryUnavailableError);

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
      const [state, projection, dead] = await Promise.all([
        gateway.client.system(),
        readProjection(gateway).catch(without),
        countDead(gateway, scope).catch(without),
      ]);
      const [lags, oldest, waits, plain] = await Promise.all([
        lagsOf(gateway, scope, state),
        oldestOf(gateway, scope, state),
        waitsOf(gateway, scope, state, languageOfCall(call)),
        plainRequestsOf(gateway, scope, languageOfCall(call)).catch(without),
      ]);
      const view = {
        version,
        project: scope.project,
        ...viewOf(state, scope, gateway),
        ...projection,
        lags,
        ...oldest,
        ...dead,
        ...plain,
        waits,
        quotas: quotasOf(gateway, scope),
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
function withoutOperatorFields({ server: _, log: __, versions: ___, roles, lags, projection, ...view }: SystemView): SystemView {
  return {
    ...view,
    roles: [...new Set(roles.map(({ role }) => role))].map((role) => ({ role, instance: role })),
    lags: lags.filter(({ role }) => role === 'worker'),
    ...(projection === undefined ? {} : { projection: { ...projection, instance: 'projection', problems: undefined } }),
  };
}

function viewOf(
  { server, streams, storage, instances }: SystemState,
  scope: Scope,
  gateway: Gateway,
): Pick<SystemView, 'server' | 'roles' | 'versions' | 'circuits' | 'log'> {
  return {
    server: withoutUndefined({ version: server.version, round_trip_ms: server.roundTripInMs, clock_ahead_ms: server.clockAheadInMs }),
    roles: instances.flatMap((instance) => instance.roles.map((role) => withoutUndefined(roleViewOf(role, instance)))),
    versions: runningVersions(instances),
    circuits: circuitsOf(instances, scope),
    log: logViewOf({ streams, storage, instances }, gateway),
  };
}

/** The log while its stream does not exist or cannot be read. */
const UNKNOWN_LOG = {
  ...{ messages: 0, bytes: 0, subjects: 0, firstSequence: 0, lastSequence: 0, replicas: 0, storage: 'unknown' },
  ...{ consumers: 0, maxConsumers: undefined },
};

function logViewOf(
  { streams, storage, instances }: Pick<SystemState, 'streams' | 'storage' | 'instances'>,
  { replicaWatch, logWatch, clock }: Gateway,
): SystemView['log'] {
  const log = streams.find(({ name }) => name === 'INVOCATIONS');
  const known = log?.exists ? log : UNKNOWN_LOG;
  const refusal = refusalOf({ streams, instances }, logWatch);
  const durability = instances.find((one) => one.durability !== undefined && one.durability !== 'unknown')?.durability ?? 'unknown';
  return withoutUndefined({
    messages: known.messages,
    bytes: known.bytes,
    subjects: known.subjects,
    first_sequence: known.firstSequence,
    last_sequence: known.lastSequence,
    durability,
    durability_in_words: durabilityInWords[durability] ?? durability,
    replicas: known.replicas,
    replica_difference: replicaWatch?.difference,
    losses: lossesOf(logWatch),
    refusal: refusal === undefined ? undefined : { at: refusal.at ?? clock.now(), why: refusal.why },
    storage: known.storage,
    used_bytes: storage.usedInBytes,
    limit_bytes: storage.limitInBytes,
    consumers: known.consumers,
    max_consumers: known.maxConsumers,
  });
}

/** The own project sees the quotas of all projects, because the operator sets them. */
function quotasOf({ quotas, definitions, tenancy, clock }: Gateway, { isOpen, project: own }: Scope): SystemView['quotas'] {
  const all = allFigures({ quotas, definitions }, tenancy.project, clock.now());
  const visible = all.filter(({ project }) => isOpen || own === tenancy.project || project === own);
  return visible.flatMap(({ project, figures }) =>
    figures.map(({ isReached, ...figure }) => ({ project, ...figure, is_reached: isReached })),
  );
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

async function waitsOf({ client, clock }: Gateway, scope: Scope, state: SystemState, language: Language): Promise<SystemView['waits']> {
  const found = await readWaits(client, state, { ...scope, language, now: clock.now() });
  return found.map(({ function: token, kind, waiting, text, remedy, since }) =>
    withoutUndefined({ function: scope.nameOf(token), kind, waiting, in_words: text, remedy, since }),
  );
}

function roleViewOf(
  role: string,
  {
    instance,
    host,
    pid,
    version,
    startedAt,
    isolation,
    heldSlots,
    slots,
    processorUse,
    fileProblems,
    missingKeys,
    ...clock
  }: SystemState['instances'][number],
) {
  return {
    role,
    instance,
    host,
    pid,
    version,
    started_at: startedAt,
    held_slots: role === 'worker' ? heldSlots : undefined,
    slots: role === 'worker' ? slots : undefined,
    processor_use:
      role === 'worker'
        ? processorUse?.map(({ project, usedInMs, waitedInMs, hasWaited }) => ({
            project,
            used_ms: usedInMs,
            waited_ms: waitedInMs,
            has_waited: hasWaited,
          }))
        : undefined,
    isolation: role === 'worker' ? isolation : undefined,
    file_problems: fileProblems === undefined ? undefined : [...fileProblems],
    missing_keys: missingKeys === undefined ? undefined : [...missingKeys],
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
  const { instance, sequence, lag, lagInMs, problems, isReady, rebuild } = await client.history.status();
  const rebuilding = rebuild === null ? undefined : { why: rebuild.why, percent: rebuild.percent, seconds_left: rebuild.secondsLeft };
  return { projection: withoutUndefined({ instance, sequence, lag, lag_ms: lagInMs, problems, is_ready: isReady, rebuild: rebuilding }) };
}

async function countDead({ client }: Gateway, scope: Scope): Promise<Pick<SystemView, 'dead_letters' | 'is_dead_letters_at_least'>> {
  const { deadLetters, cursor } = await client.history.deadLetters({ ...scope.filter, limit: 500 });
  return { dead_letters: deadLetters.length, is_dead_letters_at_least: cursor !== null };
}

async function plainRequestsOf(
  { client, encrypting = () => [], tenancy, clock }: Gateway,
  scope: Scope,
  language: Language,
): Promise<Pick<SystemView, 'plain_requests'>> {
  const projects = encrypting().filter(({ project }) => scope.isOpen || (project ?? tenancy.project) === scope.project);
  const found = await readPlainRequests(client.history.list, projects);
  return {
    plain_requests: found.map((one) => {
      const name = scope.nameOf(one.function);
      const { requests, isAtLeast, latest } = one;
      const words = inLanguage(language, () => ({ in_words: plainRequestsInWords(one, clock.now()), remedy: plainRequestsRemedy(name) }));
      return { function: name, requests, is_at_least: isAtLeast, latest_at: latest, ...words };
    }),
  };
}

/** The oldest open invocation that the scheduler saved, unless it was notified since. */
async function oldestOf(gateway: Gateway, scope: Scope, { oldestOpen }: SystemState): Promise<Pick<SystemView, 'oldest_open'>> {
  const { client } = gateway;
  if (oldestOpen === undefined) return {};
  // The oldest one of all projects says nothing about those of the caller.
  if (!scope.owns(oldestOpen.function)) return await oldestInProject(gateway, scope).catch(without);
  try {
    const { state } = await client.timeline(oldestOpen.requestId, { function: oldestOpen.function });
    if (state === 'notified') return {};
  } catch (error) {
    // A queued invocation may have no timeline yet, or the scheduler may not answer. The scheduler saved the invocation as open.
    if (!(error instanceof InvocationNotFoundError || error instanceof NoAnswerError)) throw error;
  }
  const { requestId, function: token, acceptedAt } = oldestOpen;
  return { oldest_open: { request_id: requestId, function: scope.nameOf(token), accepted_at: acceptedAt } };
}

/** The oldest open invocation of the caller's project, from the read model. */
async function oldestInProject({ client }: Gateway, scope: Scope): Promise<Pick<SystemView, 'oldest_open'>> {
  const state = ['queued', 'running', 'retrying', 'succeeded', 'failed'] as const;
  const [oldest] = (await client.history.list({ ...scope.filter, state: [...state], order: 'oldest', limit: 1 })).invocations;
  if (oldest === undefined) return {};
  return { oldest_open: { request_id: oldest.id, function: scope.nameOf(oldest.function), accepted_at: oldest.acceptedAt } };
}
