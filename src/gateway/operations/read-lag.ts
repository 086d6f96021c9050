import { type EncryptingProject, readPlainRequests } from '#src/analysis/plain-requests.ts';
import type { SystemState } from '#src/client/client.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import { fallback } from '#src/core/fallback.ts';
import { REFUSES_REQUESTS } from '#src/core/ports/admission.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { runningVersions } from '#src/core/running-versions.ts';
import { flowFigures } from '../metrics/flow-metrics.ts';
import type { Lag } from '../metrics/lag-metrics.ts';
import type { LogProblems } from '../metrics/problem-metrics.ts';
import { scheduleFigures } from '../metrics/schedule-metrics.ts';
import type { GatewayClient, GatewayOptions } from '../ports.ts';
import { ownerOf } from './consumer-owner.ts';
import { readWaits } from './read-waits.ts';

type LagSources = {
  client: Pick<GatewayClient, 'functions' | 'schedules' | 'flow' | 'system' | 'history'>;
  clock: Pick<Clock, 'now'>;
  logWatch?: LogProblems;
  encrypting?: GatewayOptions['encrypting'];
};

export async function readLag({ client, clock, logWatch, encrypting = () => [] }: LagSources): Promise<Lag> {
  const [state, projection, schedules] = await Promise.all([
    client.system(),
    readProjection(client.history).catch(fallback(undefined, HistoryUnavailableError)),
    client.schedules.list(0),
  ]);
  const { streams, storage, consumers, oldestOpen, instances } = state;
  const log = streams.find(({ name }) => name === 'INVOCATIONS');
  // Subscribers choose their names, so a metric per subscriber would be unbounded.
  const ours = consumers.map((consumer) => ({ ...consumer, ...ownerOf(consumer) })).filter(({ role }) => role !== 'subscriber');
  return {
    log: {
      ...(log?.exists ? log : { lastSequence: 0, messages: 0, bytes: 0, maxBytes: undefined }),
      isRefusing: refusalOf({ streams, instances }, logWatch) !== undefined,
    },
    unavailableStreams: streams.filter((stream) => !(stream.exists && stream.hasLeader)).length,
    storage,
    consumers: ours.map(({ role, function: token, pending, unacknowledged, waiting }) => ({
      role,
      function: token,
      waiting: pending,
      atWork: unacknowledged,
      pulls: waiting,
    })),
    projection,
    oldestOpenAt: oldestOpen?.acceptedAt,
    roles: instances.flatMap(({ roles, host, clockAheadInMs: aheadInMs, takesWork = true }) =>
      roles.map((role) => ({ role, host, aheadInMs, takesWork })),
    ),
    versions: runningVersions(instances).length,
    slots: { held: sumOf(instances, 'heldSlots'), all: sumOf(instances, 'slots') },
    processors: instances.flatMap(({ processorUse = [] }) => processorUse),
    threads: instances.flatMap(({ threadUse = [] }) => threadUse),
    missingKeys: instances.flatMap(({ missingKeys = [] }) => missingKeys).length,
    plainRequests: await countPlainRequests(client, encrypting()),
    fileProblems: instances.flatMap(({ fileProblems = [] }) => fileProblems).length,
    circuits: instances.flatMap(({ circuits = [] }) => circuits),
    waits: await readWaits(client, state, { now: clock.now() }),
    schedules: schedules.map(scheduleFigures),
    flows: (await client.flow.pools({ keys: 0 })).flatMap(flowFigures),
  };
}

function sumOf(instances: SystemState['instances'], field: 'heldSlots' | 'slots'): number {
  return instances.reduce((sum, { [field]: value = 0 }) => sum + value, 0);
}

/** Why the log refuses messages of a process, or all requests; `undefined` when it does not. `at` is absent for the latter. */
export function refusalOf(
  { streams, instances }: Pick<SystemState, 'streams' | 'instances'>,
  logWatch: LogProblems | undefined,
): { at?: number | undefined; why: string } | undefined {
  for (const { logRefusal, logRefusedAt } of instances) if (logRefusal !== undefined) return { at: logRefusedAt, why: logRefusal };
  if (logWatch?.refusal !== undefined) return logWatch.refusal;
  return streams.some((stream) => stream.exists && !stream.isAdmitting) ? { why: `it refuses requests: ${REFUSES_REQUESTS}` } : undefined;
}

async function countPlainRequests({ history }: LagSources['client'], projects: readonly EncryptingProject[]): Promise<number | undefined> {
  const found = await readPlainRequests(history.list, projects).catch(fallback(undefined, HistoryUnavailableError));
  return found?.reduce((sum, { requests }) => sum + requests, 0);
}

async function readProjection({
  status,
  deadLetters,
}: Pick<GatewayClient['history'], 'status' | 'deadLetters'>): Promise<NonNullable<Lag['projection']>> {
  const { lag, lagInMs, problems, rebuild } = await status({ timeoutInMs: 2_000 });
  const dead = await deadLetters({ limit: 500 });
  return { lag, lagInMs, problems, isRebuilding: rebuild !== null, deadLetters: dead.deadLetters.length };
}
