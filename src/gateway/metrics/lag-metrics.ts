import type { Registry } from 'prom-client';
import type { Clock } from '#src/core/ports/clock.ts';
import type { CircuitState } from '#src/core/ports/questions/circuit-states.ts';
import type { ProcessorUse } from '#src/core/ports/questions/role-instances.ts';
import type { ThreadUse } from '#src/core/quotas/thread-time.ts';
import { type FlowFigures, flowGauges } from './flow-metrics.ts';
import { addGauges, type GaugeRow } from './gauges.ts';
import { type ScheduleFigures, scheduleGauges } from './schedule-metrics.ts';

/** The state of the log, of the read model and of the running roles, as one look-up finds it. */
export type Lag = {
  log: {
    lastSequence: number;
    messages: number;
    bytes: number;
    /** The maximum of the stored bytes; `undefined` without a limit. */
    maxBytes: number | undefined;
    /** Whether the log refuses requests, or the messages of any process. */
    isRefusing: boolean;
  };
  /** The streams that are missing, or have no leader. */
  unavailableStreams: number;
  storage: { usedInBytes: number; limitInBytes: number | undefined };
  /** `pulls` are the open requests for messages. None means that no process asks for work. */
  consumers: readonly { role: string; function: string; waiting: number; atWork: number; pulls: number }[];
  /** The read model; `undefined` when no projection answers. */
  projection: { lag: number; lagInMs: number; problems: number; isRebuilding: boolean; deadLetters: number } | undefined;
  oldestOpenAt: number | undefined;
  /** The roles of the running processes. `aheadInMs`: how far their clocks are ahead of the server's; `undefined` until it is measured. */
  roles: readonly { role: string; host: string; aheadInMs: number | undefined; takesWork: boolean }[];
  /** The number of versions of Sequent that the processes run. */
  versions: number;
  /** The slots of all workers that executions hold, and all of them. */
  slots: { held: number; all: number };
  /** What the functions of other projects used of the processors of all workers, and how long they waited for their part of them. */
  processors: readonly Pick<ProcessorUse, 'project' | 'usedInMs' | 'waitedInMs'>[];
  /** What the bytes of the projects cost the main threads of all processes. */
  threads: readonly Pick<ThreadUse, 'project' | 'usedInMs'>[];
  /** The files of the running processes that cannot be used, or soon cannot. */
  fileProblems: number;
  /** Processes times projects. */
  missingKeys: number;
  /** `undefined` when no projection answers. */
  plainRequests: number | undefined;
  /** The circuits of the running processes that are not closed. */
  circuits: readonly Pick<CircuitState, 'function' | 'target' | 'state'>[];
  /** The requests that make no progress, by function and reason. */
  waits: readonly { function: string; kind: string; waiting: number }[];
  schedules: readonly ScheduleFigures[];
  flows: readonly FlowFigures[];
};
export type LagSource = () => Promise<Lag>;

export type LagOptions = { clock: Pick<Clock, 'now'>; lag: LagSource; folded: () => number };

/** Scrapes within this time share one look-up. */
const FRESH_FOR_MS = 5_000;

/** Bounds the series by function: functions and targets are unbounded. All further ones are counted as those of `other`. */
const MAX_SERIES = 500;
const OTHERS = 'other';

/** The roles that are counted even when no process has them, so that an alert can compare with 0. */
const ROLES = ['worker', 'scheduler', 'destinations', 'projection', 'janitor', 'gateway'] as const;

/** The state and the lag of every role, looked up per scrape. If the look-up fails, the metrics are left out. */
export function createLagMetrics(registry: Registry, { clock, lag, folded }: LagOptions): void {
  let cached: { at: number; lag: Promise<Lag | undefined> } | undefined;

  function read(): Promise<Lag | undefined> {
    if (cached === undefined || clock.now() - cached.at > FRESH_FOR_MS) {
      const started = { at: clock.now(), lag: lag().catch(() => undefined) };
      cached = started;
      // A projection that did not answer may answer soon, so the next scrape looks up the lag again.
      void started.lag.then((found) => {
        if (cached === started && found?.projection === undefined) cached = undefined;
      });
    }
    return cached.lag;
  }

  addGauges(registry, read, [
    ...gauges,
    ...scheduleGauges(() => clock.now()),
    ...flowGauges(() => clock.now()),
    {
      name: 'gateway_lag_messages',
      help: 'Messages of the log that these metrics do not count yet',
      measure: ({ log }) => Math.max(0, log.lastSequence - folded()),
    },
    {
      name: 'oldest_open_seconds',
      help: 'The age of the oldest unfinished invocation, as the scheduler saved it',
      measure: ({ oldestOpenAt }) => (oldestOpenAt === undefined ? 0 : Math.max(0, clock.now() - oldestOpenAt) / 1_000),
    },
  ]);
}

const gauges: readonly GaugeRow<Lag>[] = [
  {
    name: 'clock_offset_seconds',
    help: "How far the clock of the role's machine is ahead of the clock of the NATS server",
    labels: ['role', 'host'],
    // The processes of one machine share its clock, so the largest offset counts.
    measure: ({ roles }) =>
      [...largestOffsets(roles)].map(({ role, host, aheadInMs }) => ({ labels: { role, host }, value: aheadInMs / 1_000 })),
  },
  {
    name: 'role_processes',
    help: 'Running processes with the role, by whether they take work',
    labels: ['role', 'takes_work'],
    measure: ({ roles }) => [
      ...ROLES.map((role) => ({ labels: { role, takes_work: 'true' }, value: 0 })),
      ...roles.map(({ role, takesWork }) => ({ labels: { role, takes_work: String(takesWork) }, value: 1 })),
    ],
  },
  {
    name: 'running_versions',
    help: 'The number of versions of Sequent that processes run; above 1 during a rolling upgrade',
    measure: ({ versions }) => versions,
  },
  {
    name: 'worker_slots',
    help: 'The slots of the functions of all workers, and how many of them executions hold',
    labels: ['state'],
    measure: ({ slots }) => [
      { labels: { state: 'held' }, value: slots.held },
      { labels: { state: 'free' }, value: Math.max(0, slots.all - slots.held) },
    ],
  },
  {
    name: 'project_processor_seconds',
    help: 'The processor time of the functions of a project on the running workers: used, and waited for because the quota was used up',
    labels: ['project', 'state'],
    measure: ({ processors }) =>
      processors.flatMap(({ project, usedInMs, waitedInMs }, index) => {
        const named = index < MAX_SERIES ? project : OTHERS;
        return [
          { labels: { project: named, state: 'used' }, value: usedInMs / 1_000 },
          { labels: { project: named, state: 'waited' }, value: waitedInMs / 1_000 },
        ];
      }),
  },
  {
    name: 'project_thread_seconds',
    help: 'The time that the main threads of the running processes spent on the bytes of a project',
    labels: ['project'],
    measure: ({ threads }) =>
      threads.map(({ project, usedInMs }, index) => ({
        labels: { project: index < MAX_SERIES ? project : OTHERS },
        value: usedInMs / 1_000,
      })),
  },
  {
    name: 'circuits',
    help: 'Circuits of destination targets that are not closed, counted over the processes',
    labels: ['function', 'target', 'state'],
    measure: ({ circuits }) =>
      circuits.map(({ function: token, target, state }, index) => ({
        labels: index < MAX_SERIES ? { function: token, target, state } : { function: OTHERS, target: OTHERS, state },
        value: 1,
      })),
  },
  {
    name: 'waiting_requests',
    help: 'Requests that make no progress, by function and reason: paused, no-worker, all-busy, worker-full, no-function, platform-failing',
    labels: ['function', 'reason'],
    measure: ({ waits }) =>
      waits.map(({ function: token, kind: reason, waiting: value }, index) => ({
        labels: { function: index < MAX_SERIES ? token : OTHERS, reason },
        value,
      })),
  },
  {
    name: 'file_problems',
    help: 'Files of credentials, certificates, keys and connections that a running process cannot use, or soon cannot',
    measure: ({ fileProblems }) => fileProblems,
  },
  {
    name: 'missing_keys',
    help: 'Projects that encrypt payloads, for each running process that needs their keys and has none',
    measure: ({ missingKeys }) => missingKeys,
  },
  {
    name: 'plain_requests',
    help: 'Requests that were refused in plain text since their project encrypts payloads, at most 500 a project',
    measure: ({ plainRequests }) => plainRequests,
  },
  byConsumer('role_lag_messages', 'Messages of the log that were not delivered to the role yet', ({ waiting }) => waiting),
  byConsumer('role_held_messages', 'Messages of the log that are in progress in the role', ({ atWork }) => atWork),
  byConsumer('role_open_pulls', 'Open requests of the role for messages; 0 when it asks for none', ({ pulls }) => pulls),
  ofProjection('projection_lag_messages', 'Messages of the log that the read model does not contain yet', ({ lag }) => lag),
  ofProjection(
    'projection_lag_seconds',
    'The age of the oldest message that the read model does not contain yet',
    ({ lagInMs }) => lagInMs / 1_000,
  ),
  ofProjection('projection_rebuilding', '1 while the read model is being rebuilt, otherwise 0', ({ isRebuilding }) => Number(isRebuilding)),
  ofProjection('projection_problems', 'Entries of the log that cannot be read or break a rule', ({ problems }) => problems),
  ofProjection('dead_letters', 'Deliveries that are dead now; at most 500 are counted', ({ deadLetters }) => deadLetters),
  { name: 'log_messages', help: 'Messages in the log', measure: ({ log }) => log.messages },
  { name: 'log_bytes', help: 'Bytes in the log', measure: ({ log }) => log.bytes },
  { name: 'log_limit_bytes', help: 'The maximum of the bytes in the log; absent without a limit', measure: ({ log }) => log.maxBytes },
  { name: 'log_last_sequence', help: 'The sequence of the newest message of the log', measure: ({ log }) => log.lastSequence },
  {
    name: 'log_refuses',
    help: '1 while the log refuses requests, or the messages of a process, because it is full; otherwise 0',
    measure: ({ log }) => Number(log.isRefusing),
  },
  {
    name: 'streams_unavailable',
    help: 'Streams of Sequent that are missing or have no leader',
    measure: ({ unavailableStreams }) => unavailableStreams,
  },
  { name: 'storage_bytes', help: 'Bytes that the NATS account stores', measure: ({ storage }) => storage.usedInBytes },
  {
    name: 'storage_limit_bytes',
    help: 'The maximum of the bytes that the NATS account may store; absent without a limit',
    measure: ({ storage }) => storage.limitInBytes,
  },
];

function byConsumer(name: string, help: string, measure: (consumer: Lag['consumers'][number]) => number): GaugeRow<Lag> {
  return {
    name,
    help,
    labels: ['role', 'function'],
    measure: ({ consumers }) =>
      consumers.map((consumer) => {
        const { role, function: token } = consumer;
        return { labels: { role, ...(token === '' ? {} : { function: token }) }, value: measure(consumer) };
      }),
  };
}

function ofProjection(name: string, help: string, measure: (projection: NonNullable<Lag['projection']>) => number): GaugeRow<Lag> {
  return { name, help, measure: ({ projection }) => (projection === undefined ? undefined : measure(projection)) };
}

function largestOffsets(roles: Lag['roles']) {
  const found = new Map<string, { role: string; host: string; aheadInMs: number }>();
  for (const { role, host, aheadInMs } of roles) {
    const key = `${role} ${host}`;
    if (aheadInMs === undefined || Math.abs(found.get(key)?.aheadInMs ?? 0) > Math.abs(aheadInMs)) continue;
    found.set(key, { role, host, aheadInMs });
  }
  return found.values();
}
