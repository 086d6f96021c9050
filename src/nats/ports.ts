import type { AuditTrailOptions } from '#src/core/audit/audit-trail.ts';
import { messageOf, NatsUnavailableError } from '#src/core/errors.ts';
import type { History } from '#src/core/history-questions.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { Results } from '#src/core/log/results.ts';
import type { Admission } from '#src/core/ports/admission.ts';
import type { Cancellations } from '#src/core/ports/questions/cancellations.ts';
import type { ConnectionsControl } from '#src/core/ports/questions/connections-control.ts';
import type { DestinationCheck } from '#src/core/ports/questions/destination-check.ts';
import type { ExecutionProbe } from '#src/core/ports/questions/execution-probe.ts';
import type { LiveOutput } from '#src/core/ports/questions/live-output.ts';
import type { OpenRequests } from '#src/core/ports/questions/open-requests.ts';
import type { RoleInstances } from '#src/core/ports/questions/role-instances.ts';
import type { CodePackages } from '#src/core/ports/stores/code-packages.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { PayloadRemoval, PayloadStore } from '#src/core/ports/stores/payload-store.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { WorkConsumers } from '#src/core/stream/work-consumers.ts';
import type { WorkQueue } from '#src/core/stream/work-queue.ts';
import { createNatsCodePackages } from './code-packages.ts';
import { openKeyValue } from './key-value.ts';
import { createNatsPayloadRemoval } from './payload-removal.ts';
import { createNatsPayloadStore } from './payload-store.ts';
import { createNatsCancellations } from './questions/cancellations.ts';
import { createNatsConnectionsControl } from './questions/connections-control.ts';
import { createNatsDestinationCheck } from './questions/destination-check.ts';
import { createNatsExecutionProbe } from './questions/execution-probe.ts';
import { createNatsHistory } from './questions/history-service.ts';
import { createNatsLiveOutput } from './questions/live-output.ts';
import { createNatsOpenRequests } from './questions/open-requests.ts';
import { createNatsRoleInstances } from './questions/role-instances.ts';
import { createServiceAudit, type ServiceAudit } from './questions/service-audit.ts';
import { isReplicable, NotReplicableError } from './replicas/replicable.ts';
import { createNatsAuditLog } from './streams/audit-log.ts';
import { createNatsAdmission, withPresentAdmission } from './streams/log/admission.ts';
import { createNatsEventLog } from './streams/log/event-log.ts';
import { createLogEpoch, type LogEpoch } from './streams/log/log-epoch.ts';
import { createNatsHints } from './streams/queue/hints.ts';
import { createNatsWorkConsumers } from './streams/queue/work-consumers.ts';
import { createNatsWorkQueue } from './streams/queue/work-queue.ts';
import { createNatsResults } from './streams/results/results.ts';
import type { Connection } from './transport/connection/connection.ts';
import { createPublisher, type Publisher } from './transport/publisher.ts';
import { type ClockBounds, localServerClock, openServerClock, type ServerClock } from './transport/server-clock.ts';
import { createSharedCommits } from './transport/shared-commits.ts';
import { ensureFound, findStream } from './transport/streams/ensure-stream.ts';
import { createEnsuredStreams, type EnsuredStreams } from './transport/streams/ensured-streams.ts';
import { createHintSigner, type HintSigner } from './wire/hint-signer.ts';
import {
  codeStream,
  FLOW_BUCKET,
  FUNCTIONS_BUCKET,
  INVOCATIONS,
  invocationsStream,
  keyValueStream,
  type LogConfig,
  payloadsStream,
  resultsStream,
  STATE_BUCKET,
  type TopologyOptions,
} from './wire/topology.ts';

/** Every port that NATS implements. */
export type NatsPorts = {
  log: EventLog;
  admission: Admission;
  /** What the log acknowledged to this process, and refused. */
  logEpoch: LogEpoch;
  hints: Hints;
  /** Signs hints and their ids. */
  signer: HintSigner;
  results: Results;
  queue: WorkQueue;
  /** The consumers of functions. */
  workConsumers: WorkConsumers;
  executionProbe: ExecutionProbe;
  openRequests: OpenRequests;
  cancellations: Cancellations;
  liveOutput: LiveOutput;
  destinationCheck: DestinationCheck;
  connectionsControl: ConnectionsControl;
  /** The definitions of the functions. */
  functions: KeyValue;
  /** The code of functions. */
  packages: CodePackages;
  /** The payloads that are too large for the log. */
  payloadStore: PayloadStore;
  payloadRemoval: PayloadRemoval;
  /** Positions that save work after a restart, and the key of the hints. No other data depends on them. */
  state: KeyValue;
  /** The ledger of the slots that functions share. It is opened at its first use. */
  flow: KeyValue;
  publisher: Publisher;
  /** Queries of the read model. */
  history: History;
  roleInstances: RoleInstances;
  /** The time of the log. Every age, due time and lease of a process is judged by this clock. */
  clock: ServerClock;
  /** Records the questions that this process answers; `undefined` for a client. */
  serviceAudit: ServiceAudit | undefined;
  /** The JetStream streams that this process keeps in existence. Without a topology, none. */
  streams: EnsuredStreams;
  close(): void;
};

export type NatsPortsOptions = {
  /** Creates and updates the streams and buckets. Without a topology they must exist, because a client changes nothing. */
  topology?: TopologyOptions;
  /** Opens and checks nothing in advance, for a client that may not use JetStream's API. Each use then fails by itself. */
  isLazy?: boolean;
  leaseInMs: number;
  clockBounds?: ClockBounds;
  /** How long an append or a read without an answer is repeated before it fails, in milliseconds; 60 s by default. */
  budgetInMs?: number;
  /** Asks for the history of this project alone, as its history user must. */
  historyProject?: string | undefined;
  onProblem?: (problem: string) => void;
  /** Records the questions that this process answers, for the own project. */
  audit?: Pick<AuditTrailOptions, 'project' | 'logger'>;
};

/**
 * Opens every port.
 *
 * Throws `NatsUnavailableError` when no topology is given and the log does not exist, and `NotReplicableError` when the topology has
 * several replicas and the server is too old for them.
 */
export async function openNatsPorts(connection: Connection, options: NatsPortsOptions): Promise<NatsPorts> {
  const { topology, leaseInMs } = options;
  const problems = options.onProblem === undefined ? {} : { onProblem: options.onProblem };
  const isLazy = options.isLazy ?? false;
  if (topology !== undefined) expectReplicable(connection, topology.replicas);
  const streams = createEnsuredStreams(connection, options.onProblem ?? (() => {}));
  const log = isLazy ? undefined : await openStreams(connection, streams, options);
  const clock = isLazy ? localServerClock : await openServerClock(connection, { ...options.clockBounds, ...problems });
  const open = async (bucket: string): Promise<KeyValue> => await openKeyValue(connection, bucket, streams);
  const functions = isLazy ? createLazyKeyValue(() => open(FUNCTIONS_BUCKET)) : await open(FUNCTIONS_BUCKET);
  const state = isLazy ? createLazyKeyValue(() => open(STATE_BUCKET)) : await open(STATE_BUCKET);
  const signer = await openSigner(state, topology);
  const publisher = createPublisher(connection);
  const logEpoch = createLogEpoch(connection, clock);
  const budget = options.budgetInMs === undefined ? {} : { budgetInMs: options.budgetInMs };
  const commits = log !== undefined && sharesFsync(connection, log) ? createSharedCommits(connection, publisher) : publisher;
  const logOptions = { connection, publisher, clock, ...problems, ...budget };
  const consumers = createNatsWorkConsumers({ connection, state, leaseInMs, ...problems });
  const closing = new AbortController();
  const auditLog = { audit: createNatsAuditLog(connection, publisher), clock, signal: closing.signal };
  const serviceAudit = options.audit === undefined ? undefined : createServiceAudit({ ...options.audit, ...auditLog });
  return {
    log: createNatsEventLog({ ...logOptions, commits, epoch: logEpoch }),
    logEpoch,
    admission: createNatsAdmission(connection),
    hints: createNatsHints({ connection, signer }),
    signer,
    results: createNatsResults(logOptions),
    queue: createNatsWorkQueue({ connection, consumers, signer, leaseInMs, clock, takesWork: () => clock.isWithinLimit, ...problems }),
    workConsumers: consumers,
    executionProbe: createNatsExecutionProbe(connection),
    openRequests: createNatsOpenRequests(connection, serviceAudit),
    cancellations: createNatsCancellations(connection, serviceAudit),
    liveOutput: createNatsLiveOutput(connection, serviceAudit),
    destinationCheck: createNatsDestinationCheck(connection, serviceAudit),
    connectionsControl: createNatsConnectionsControl(connection, serviceAudit),
    functions,
    packages: createNatsCodePackages(connection, clock),
    payloadStore: createNatsPayloadStore({ connection, publisher, clock, budgetInMs: options.budgetInMs }),
    payloadRemoval: createNatsPayloadRemoval(connection),
    state,
    flow: createLazyKeyValue(() => open(FLOW_BUCKET)),
    publisher,
    history: createNatsHistory(connection, options.historyProject),
    roleInstances: createNatsRoleInstances(connection),
    clock,
    serviceAudit,
    streams,
    close() {
      closing.abort();
      streams.close();
      clock.close();
      publisher.close();
    },
  };
}

/**
 * Creates or updates the streams of a topology. Resolves to the configuration of the log, which is read once.
 *
 * Throws `NatsUnavailableError` when the log does not exist and this process does not create it.
 */
async function openStreams(connection: Connection, streams: EnsuredStreams, options: NatsPortsOptions): Promise<LogConfig> {
  const { topology, onProblem } = options;
  const found = await findStream(connection, INVOCATIONS);
  if (topology === undefined) {
    if (found !== undefined) return found.config;
    const why = `it has no stream ${INVOCATIONS}: Sequent does not run on it (start it with "npm start", or "sequent serve")`;
    throw new NatsUnavailableError({ servers: connection.servers, why });
  }
  const wanted = invocationsStream(topology);
  const log = await ensureFound(connection, { given: withPresentAdmission(found, wanted), found, onProblem });
  streams.keep(wanted);
  const buckets = [FUNCTIONS_BUCKET, STATE_BUCKET, FLOW_BUCKET].map((bucket) => keyValueStream(bucket, topology));
  await streams.add(resultsStream(topology), codeStream(topology), ...buckets);
  await addPayloads(connection, streams, { ...options, topology });
  return log;
}

/** Equal hints of two roles are stored once only if both know the key. A client waits for nothing. */
async function openSigner(state: KeyValue, topology: TopologyOptions | undefined): Promise<HintSigner> {
  const signer = createHintSigner(state);
  if (topology !== undefined) await signer.ready();
  return signer;
}

/** Without this stream, for which an account may lack the space, large payloads are refused, and all else works. */
async function addPayloads(
  connection: Connection,
  streams: EnsuredStreams,
  { topology, onProblem = () => {} }: { topology: TopologyOptions } & Pick<NatsPortsOptions, 'onProblem'>,
): Promise<void> {
  const config = payloadsStream(topology);
  try {
    await streams.add(config);
  } catch (error) {
    if (!connection.isConnected) throw error;
    onProblem(
      `large payloads are refused: the JetStream stream ${config.name} cannot be created: ${messageOf(connection.refusals.explain(error))}`,
    );
  }
}

function expectReplicable({ nats }: Connection, replicas: number): void {
  const version = nats.info?.version ?? '';
  if (replicas > 1 && !isReplicable(version)) throw new NotReplicableError({ version, replicas });
}

/**
 * Whether the log allows atomic batches because its server makes an fsync for each message. Replicas share theirs without batches. A dry run
 * publishes alone.
 */
function sharesFsync({ rehearsal }: Connection, log: LogConfig): boolean {
  return log.allow_atomic === true && log.num_replicas === 1 && rehearsal === undefined;
}

/** A store that is opened at its first use. A failure to open is the failure of that use; the next use tries again. */
function createLazyKeyValue(open: () => Promise<KeyValue>): KeyValue {
  let opened: Promise<KeyValue> | undefined;

  function store(): Promise<KeyValue> {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  return {
    get: async (key) => await (await store()).get(key),
    put: async (key, value, expected) => await (await store()).put(key, value, expected),
    delete: async (key, expected) => await (await store()).delete(key, expected),
    erase: async (key, revision) => await (await store()).erase(key, revision),
    keys: async () => await (await store()).keys(),
    names: async (prefix) => await (await store()).names(prefix),
    newestRevision: async () => await (await store()).newestRevision(),
    reachedWatchers: async (revision) => await (await store()).reachedWatchers(revision),
    watch: async (onChange, signal) => await (await store()).watch(onChange, signal),
  };
}
