import { formatBytes, plural } from '#src/cli/print/format.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import type { HistoryStatus } from '#src/core/history-questions.ts';
import { describeLoss, LOSS_REMEDY, type LogLoss } from '#src/core/log/log-loss.ts';
import type { RoleInstance } from '#src/core/ports/role-instances.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { CIRCUIT_REMEDY, countOmittedCircuits, describeCircuit, unclosedCircuits } from '#src/core/unclosed-circuits.ts';
import type { ConsumerFacts, Inspection, StreamFacts } from '#src/nats/inspection.ts';
import type { ReplicaComparison } from '#src/nats/replicas/compare-replicas.ts';
import { describeReplicas } from '#src/nats/replicas/describe-replicas.ts';
import type { Durability } from '../../durability.ts';

/** The check, the observation and its remedy. A problem makes the doctor fail, a note does not. */
export type Finding = { level: 'ok' | 'note' | 'problem'; check: string; seen: string; remedy?: string };

export type Examined = {
  inspection: Inspection;
  durability: Durability;
  /** The functions, or why they cannot be read. */
  registry: { functions: readonly RegisteredFunction[] } | { why: string };
  /** The files of process functions that are not on this machine. */
  missingFiles: readonly { name: string; file: string }[];
  /** Every projection that answers; `undefined` when none was asked. */
  projections?: readonly HistoryStatus[];
  /** The running processes; `undefined` when none was asked. */
  instances?: readonly RoleInstance[];
  /** The losses of the log that no operator has acknowledged; `undefined` when they were not read. */
  losses?: readonly LogLoss[];
  /** The comparison of the replicas of the log; `undefined` when they were not compared. */
  replicas?: ReplicaComparison | 'one replica' | undefined;
};

/** Judges the observations. A pure function, so that every judgement can be tested. */
export function judge(examined: Examined): Finding[] {
  const { inspection, durability } = examined;
  return [
    judgeVersion(inspection.server.version),
    { level: 'ok', check: 'JetStream', seen: 'on' },
    durability.class === '100ms' || durability.class === 'always'
      ? { level: 'ok', check: 'durability', seen: durability.words }
      : {
          level: 'note',
          check: 'durability',
          seen: durability.words,
          remedy: 'run with --fsync 100ms or always, or set sync_interval in the jetstream block of the server',
        },
    judgePayload(inspection.server.maxPayloadInBytes),
    judgeClock(inspection.server),
    ...judgeClocksOf(examined.instances),
    ...judgeCircuits(examined.instances),
    ...judgeIsolation(examined.instances),
    judgeStorage(inspection.storage),
    ...judgeStreams(inspection.streams),
    ...judgeRefusals(examined.instances),
    ...judgeLosses(examined.losses),
    ...judgeReplicas(examined.replicas),
    inspection.scheduler
      ? { level: 'ok', check: 'scheduler', seen: 'answers' }
      : {
          level: 'problem',
          check: 'scheduler',
          seen: 'no scheduler answers: retries wait, and no invocation ends by age',
          remedy: 'sequent serve --role scheduler',
        },
    ...judgeProjections(examined.projections),
    ...judgeRegistry(examined),
    ...judgeConsumers(inspection.consumers, 'functions' in examined.registry ? examined.registry.functions : []),
  ];
}

/** One line for each way in which the workers isolate the code of other projects. */
function judgeIsolation(instances: Examined['instances'] = []): Finding[] {
  const summaries = new Set(instances.map(({ isolation }) => isolation).filter((summary) => summary !== undefined));
  return [...summaries].map((seen): Finding => {
    if (seen.startsWith('namespaces')) return { level: 'ok', check: 'isolation', seen };
    return { level: 'note', check: 'isolation', seen, remedy: 'docs/security.md, "Uploaded code"' };
  });
}

const MAX_LAG_IN_MS = 5_000;

function judgeProjections(projections: Examined['projections']): Finding[] {
  if (projections === undefined) return [];
  if (projections.length === 0) {
    return [
      {
        level: 'note',
        check: 'projection',
        seen: 'no projection answers: ls, get, stats and tree do not work',
        remedy: 'sequent serve --role projection',
      },
    ];
  }
  return projections.map(({ instance, lag, lagInMs, problems, rebuild }): Finding => {
    const check = `projection ${instance}`;
    const behind = lag === 0 ? 'has read the whole log' : `${plural(lag, 'message')} behind the log, ${formatDuration(lagInMs)}`;
    const seen = `${behind}${problems === 0 ? '' : `; ${plural(problems, 'entry', 'entries')} could not be folded`}`;
    if (rebuild !== null)
      return { level: 'note', check, seen: `${seen}; a rebuild is at ${rebuild.percent} %`, remedy: 'sequent projection status' };
    if (problems > 0) return { level: 'note', check, seen, remedy: 'sequent verify, which lists them' };
    return lagInMs > MAX_LAG_IN_MS
      ? { level: 'note', check, seen, remedy: 'sequent projection status, until it has caught up' }
      : { level: 'ok', check, seen };
  });
}

export function judgeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  const check = 'server version';
  if (major < 2 || (major === 2 && minor < 10)) {
    return { level: 'problem', check, seen: `${version}, and Sequent needs 2.10`, remedy: 'upgrade nats-server to 2.12 or newer' };
  }
  if (major === 2 && minor < 12) {
    return {
      level: 'note',
      check,
      seen: `${version}: works; 2.12 or newer is recommended for production`,
      remedy: 'plan an upgrade: 2.10 gets no more fixes',
    };
  }
  return { level: 'ok', check, seen: version };
}

/** One message holds a request, its outcome and their envelope. */
const SMALLEST_PAYLOAD = 1_048_576;

function judgePayload(bytes: number): Finding {
  const check = 'max payload';
  if (bytes >= SMALLEST_PAYLOAD) return { level: 'ok', check, seen: formatBytes(bytes) };
  return {
    level: 'problem',
    check,
    seen: `${formatBytes(bytes)}: large requests and results do not fit`,
    remedy: 'set max_payload: 1MB on the server',
  };
}

const SKEW_NOTED_MS = 1_000;
const SKEW_BAD_MS = 30_000;

function judgeClock({ clockAheadInMs, roundTripInMs }: Inspection['server']): Finding {
  const check = 'clocks';
  if (clockAheadInMs === undefined) return { level: 'note', check, seen: 'the server does not report its time' };
  const skew = Math.abs(clockAheadInMs);
  const seen =
    skew <= Math.max(5, roundTripInMs)
      ? `the server and this machine agree (round trip ${formatDuration(roundTripInMs)})`
      : `the server is ${formatDuration(skew)} ${clockAheadInMs > 0 ? 'ahead of' : 'behind'} this machine (round trip ${formatDuration(roundTripInMs)})`;
  if (skew < SKEW_NOTED_MS) return { level: 'ok', check, seen };
  const remedy = 'synchronise the clocks (chrony, systemd-timesyncd)';
  return { level: skew < SKEW_BAD_MS ? 'note' : 'problem', check, seen, remedy };
}

/** The clock of each process that differs from the server's, as the process measured it. */
function judgeClocksOf(instances: Examined['instances'] = []): Finding[] {
  return instances.flatMap(({ roles, host, pid, clockAheadInMs = 0, clockUncertaintyInMs = 0, takesWork = true }): Finding[] => {
    const skew = Math.abs(clockAheadInMs);
    if (takesWork && skew - clockUncertaintyInMs < SKEW_NOTED_MS) return [];
    const seen = `${formatDuration(skew)} ${clockAheadInMs > 0 ? 'ahead of' : 'behind'} the server (${roles.join(', ')}, process ${pid})`;
    return [
      {
        level: takesWork ? 'note' : 'problem',
        check: `clock of ${host}`,
        seen: takesWork ? `${seen}: it uses the server's time` : `${seen}: it takes no work`,
        remedy: 'synchronise the clock of that machine (chrony, systemd-timesyncd)',
      },
    ];
  });
}

/** A circuit that is not closed, in any process. One without a failure since its last probe recovers. */
function judgeCircuits(instances: Examined['instances'] = []): Finding[] {
  const found = unclosedCircuits(instances).map(
    (circuit): Finding => ({
      level: circuit.failures > 0 ? 'problem' : 'note',
      check: `circuit of ${circuit.function}`,
      seen: describeCircuit(circuit),
      remedy: CIRCUIT_REMEDY,
    }),
  );
  const omitted = countOmittedCircuits(instances);
  if (omitted === 0) return found;
  return [...found, { level: 'problem', check: 'circuits', seen: `${omitted} more circuits are not closed`, remedy: CIRCUIT_REMEDY }];
}

function judgeStorage({ usedInBytes, limitInBytes }: Inspection['storage']): Finding {
  const check = 'storage';
  if (limitInBytes === undefined) return { level: 'ok', check, seen: `${formatBytes(usedInBytes)} used, no limit on the account` };
  const share = usedInBytes / limitInBytes;
  const seen = `${formatBytes(usedInBytes)} of ${formatBytes(limitInBytes)} used (${Math.round(share * 100)} %)`;
  const remedy = 'raise the limit of the account, or give it more disk: a full log accepts no more requests';
  if (share < 0.8) return { level: 'ok', check, seen };
  return { level: share < 0.95 ? 'note' : 'problem', check, seen, remedy };
}

function judgeStreams(streams: readonly StreamFacts[]): Finding[] {
  return streams.map((stream) => {
    const check = `stream ${stream.name}`;
    if (!stream.exists)
      return { level: 'problem', check, seen: `is missing (${stream.why})`, remedy: 'sequent serve, which creates it; or npm start' };
    const size = `${plural(stream.messages, 'message')}, ${formatBytes(stream.bytes)}, ${plural(stream.subjects, 'subject')}, ${stream.storage}`;
    if (!stream.hasLeader)
      return { level: 'problem', check, seen: `has no leader; ${size}`, remedy: 'bring back the servers that hold its replicas' };
    return { level: 'ok', check, seen: stream.replicas > 1 ? `${size}, ${stream.replicas} replicas` : size };
  });
}

/** The log is full: it refused the last message of a process. */
function judgeRefusals(instances: Examined['instances'] = []): Finding[] {
  return instances.flatMap(({ roles, pid, logRefusal, logRefusedAt = 0 }): Finding[] => {
    if (logRefusal === undefined) return [];
    const seen = `is full and refuses: ${logRefusal} (${roles.join(', ')}, process ${pid}, last at ${new Date(logRefusedAt).toISOString()})`;
    return [{ level: 'problem', check: 'log', seen, remedy: 'docs/operations.md#full-disk-or-full-log' }];
  });
}

function judgeLosses(losses: Examined['losses']): Finding[] {
  if (losses === undefined) return [];
  if (losses.length === 0) return [{ level: 'ok', check: 'losses', seen: 'the log lost no message that was read or acknowledged' }];
  return losses.map((loss) => ({ level: 'problem', check: 'losses', seen: describeLoss(loss), remedy: `${LOSS_REMEDY} ${loss.id}` }));
}

function judgeReplicas(compared: Examined['replicas']): Finding[] {
  const check = 'replicas';
  if (compared === undefined) return [];
  if (compared === 'one replica') return [{ level: 'ok', check, seen: 'the log has one replica' }];
  const { skipped, isEqual } = compared;
  const seen = describeReplicas(compared);
  const behind = skipped.map(
    ({ server, why }): Finding => ({
      level: 'note',
      check: `replica on ${server}`,
      seen: `was not compared: ${why}`,
      remedy: 'sequent doctor --replicas, when all servers can be reached',
    }),
  );
  if (isEqual) return [{ level: 'ok', check, seen: `equal; ${seen}` }, ...behind];
  const remedy = 'keep copies of all stores, then build the replicas from the leader again: docs/operations.md#replicas';
  return [{ level: 'problem', check, seen: `differ; ${seen}`, remedy }, ...behind];
}

function judgeRegistry({ registry, missingFiles }: Examined): Finding[] {
  if ('why' in registry) {
    return [{ level: 'problem', check: 'functions', seen: registry.why, remedy: 'define the function again, or remove it: sequent fn rm' }];
  }
  const { functions } = registry;
  const seen = `${plural(functions.length, 'function')}, all valid`;
  const found: Finding[] =
    functions.length === 0
      ? [{ level: 'note', check: 'functions', seen: 'no function is defined', remedy: 'sequent fn put hello --file ./hello.mjs' }]
      : [{ level: 'ok', check: 'functions', seen }];
  for (const { name, file } of missingFiles) {
    found.push({
      level: 'note',
      check: `function ${name}`,
      seen: `${file} is not on this machine`,
      remedy: 'copy the file to this machine if a worker runs here',
    });
  }
  return found;
}

function judgeConsumers(consumers: readonly ConsumerFacts[], functions: readonly RegisteredFunction[]): Finding[] {
  const byName = new Map(consumers.map((consumer) => [consumer.name, consumer]));
  const found = functions.map(({ definition }) => judgeConsumer(definition, byName.get(`fn-${definition.name}`)));
  const idle = found.filter(({ isIdle }) => isIdle).length;
  const summary: Finding[] = idle === 0 ? [] : [{ level: 'ok', check: 'workers', seen: `${plural(idle, 'function')} with an idle worker` }];
  // Functions with idle workers are summarised in one line.
  return [...summary, ...found.filter(({ isIdle }) => !isIdle).map(({ finding }) => finding)];
}

function judgeConsumer(
  { name, handler }: RegisteredFunction['definition'],
  consumer: ConsumerFacts | undefined,
): { finding: Finding; isIdle: boolean } {
  const check = `worker for ${name}`;
  const whose = handler.kind === 'inline' ? 'start your own worker: startWorker() of sequent/client' : 'sequent serve --role worker';
  const find = (level: Finding['level'], seen: string, remedy?: string) => ({
    finding: { level, check, seen, ...(remedy === undefined ? {} : { remedy }) },
    isIdle: false,
  });
  if (consumer === undefined) return find('note', 'no worker has run it yet', whose);
  const { pending, unacknowledged, redelivered, waiting } = consumer;
  const lag = `${pending} waiting, ${unacknowledged} in flight${redelivered > 0 ? `, ${redelivered} redelivered` : ''}`;
  if (waiting > 0 && pending + unacknowledged === 0) return { ...find('ok', lag), isIdle: true };
  if (waiting > 0) return find('ok', lag);
  // Without a pull request, either all slots are taken or no worker runs.
  if (unacknowledged > 0)
    return find('note', `${lag}: all slots are taken, or its workers have ended`, 'more workers, or a higher --concurrency');
  if (pending > 0) return find('problem', `${lag}, and no worker pulls`, whose);
  return find('note', 'no worker pulls', whose);
}
