import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { messageText } from '../parts/failure-summary.ts';
import { formatBytes } from '../parts/payload-text.ts';
import { formatNumber, type Text, t, tn } from '../shell/language.ts';

/** Something that an operator should repair: its title and reason, and the command or the page that helps. */
export type HealthIssue = { severity: 'error' | 'warning'; title: string; reason: string; command?: string; to?: string };

type Check = (system: SystemView) => HealthIssue[];

/** The issues of a system, errors first. Empty when the system is healthy. */
export function healthIssues(system: SystemView): HealthIssue[] {
  const issues = Object.values(healthChecks).flatMap((check) => check(system));
  return issues.sort((one, other) => Number(other.severity === 'error') - Number(one.severity === 'error'));
}

type Lag = SystemView['lags'][number];

/** Orders queues by the age of their oldest request, the oldest first, then by what waits and by what is in progress. */
export function compareByAge(one: Lag, other: Lag): number {
  const ages = (one.oldest_at ?? Number.MAX_VALUE) - (other.oldest_at ?? Number.MAX_VALUE);
  return ages || other.waiting - one.waiting || other.at_work - one.at_work;
}

/** Whether a process takes work from a queue. A process at its limit requests nothing, but has work in progress. */
export function hasConsumer({ is_attended, at_work }: Lag): boolean {
  return is_attended || at_work > 0;
}

/** The roles that must run, and what stops without each. The janitor is not among them: it only keeps the log short. */
const requiredRoles: Readonly<Record<string, Text>> = {
  worker: 'nothing is executed',
  scheduler: 'due retries do not start, and lost work is not recovered',
  destinations: 'no outcome is delivered',
  projection: 'lists, searches and statistics do not answer',
};

const roles: Check = (system) =>
  Object.entries(requiredRoles)
    .filter(([role]) => !isRunning(system, role))

    .map(([role, reason]) => ({
      severity: 'error',
      title: t('The role {role} is missing', { role }),
      reason: t(reason),
      command: `sequent serve --role ${role}`,
    }));

/** Queues with waiting messages and no consumer, except for those of functions. A missing role is the issue, and not its queue. */
const queues: Check = (system) =>
  system.lags
    .filter((lag) => lag.role !== 'worker' && !hasConsumer(lag) && lag.waiting > 0 && isRunning(system, lag.role))
    .map(({ role, name, waiting }) => {
      const messages = tn(waiting, ['{count} message waits', '{count} messages wait']);
      const reason = t('{messages}: the role {role} takes no work', { messages, role });
      return {
        severity: 'warning',
        title: t('The queue {name} has no consumer', { name }),
        reason,
        command: `sequent serve --role ${role}`,
      };
    });

/** Functions whose requests make no progress. Taken slots are no issue: the workers work. */
const waits: Check = (system) =>
  system.waits
    .filter(({ kind }) => !isBusy(kind) && (kind !== 'no-worker' || isRunning(system, 'worker')))
    .map(({ function: name, kind, waiting, in_words, remedy }) => {
      const isFailing = kind === 'platform-failing';
      const requests = tn(waiting, ['{count} request waits', '{count} requests wait']);
      const reason = isFailing ? in_words : t('{requests}: {why}', { requests, why: in_words });
      const title = isFailing ? t('The platform cannot run {name}', { name }) : t('The requests of {name} wait', { name });
      return { severity: isFailing ? 'error' : 'warning', title, ...withRemedy(reason, remedy) };
    });

const isBusy = (kind: string): boolean => kind === 'all-busy' || kind === 'worker-full' || kind === 'flow-full';

/** A remedy that is a command is shown as one. */
function withRemedy(reason: string, remedy: string | undefined): Pick<HealthIssue, 'reason' | 'command'> {
  if (remedy === undefined) return { reason };
  return remedy.startsWith('sequent ') ? { reason, command: remedy } : { reason: t('{reason}; try: {remedy}', { reason, remedy }) };
}

const FULL_SHARE = 0.8;
const storage: Check = ({ log: { used_bytes, limit_bytes } = { used_bytes: 0 } }) => {
  if (limit_bytes === undefined || used_bytes < limit_bytes * FULL_SHARE) return [];
  const share = Math.round((used_bytes / limit_bytes) * 100);
  const reason = t('a full log refuses new requests; a shorter retention frees storage');
  const title = t('{percent} % of the storage is used', { percent: share });
  return [{ severity: share >= 95 ? 'error' : 'warning', title, reason, command: 'sequent doctor' }];
};

const refusal: Check = ({ log }) =>
  log?.refusal === undefined
    ? []
    : [{ severity: 'error', title: t('The log is full and refuses messages'), reason: log.refusal.why, command: 'sequent doctor' }];

const losses: Check = ({ log }) =>
  (log?.losses ?? []).map(({ id, in_words, lost_at_most }) => ({
    severity: 'error',
    title: tn(lost_at_most, ['The log lost at most {count} acknowledged message', 'The log lost at most {count} acknowledged messages']),
    reason: in_words,
    command: `sequent loss show ${id}`,
  }));

const replicas: Check = ({ log }) =>
  log?.replica_difference === undefined
    ? []
    : [
        {
          severity: 'error',
          title: t('The replicas of the log differ'),
          reason: log.replica_difference,
          command: 'sequent doctor --replicas',
        },
      ];

const LATE_IN_MS = 10_000;
const READ_MODEL_COMMAND = 'sequent projection status';
const readModel: Check = ({ projection }) => {
  if (projection?.rebuild !== undefined) {
    const { why, percent } = projection.rebuild;
    const title = t('The read model is being rebuilt, {percent} %', { percent: percent.toFixed(0) });
    return [{ severity: 'warning', title, reason: t('lists are incomplete until then: {why}', { why }), command: READ_MODEL_COMMAND }];
  }
  if (projection === undefined || projection.lag_ms < LATE_IN_MS) return [];
  const title = t('The read model is {duration} behind', { duration: formatDuration(projection.lag_ms) });
  return [{ severity: 'warning', title, reason: t('lists and statistics are out of date'), command: READ_MODEL_COMMAND }];
};

const problems: Check = ({ projection }) => {
  if (!projection?.problems) return [];
  const title = tn(projection.problems, ['{count} problem in the log', '{count} problems in the log']);
  return [{ severity: 'warning', title, reason: t('some facts cannot be read or break a rule'), command: 'sequent verify' }];
};

const deadLetters: Check = ({ dead_letters = 0, is_dead_letters_at_least }) => {
  if (dead_letters === 0) return [];
  const title =
    is_dead_letters_at_least === true
      ? t('More than {count} dead letters', { count: formatNumber(dead_letters) })
      : tn(dead_letters, ['{count} dead letter', '{count} dead letters']);
  const reason = t('these deliveries are not tried again by themselves');
  return [{ severity: 'warning', title, reason, command: 'sequent dest dead ls', to: '/dead-letters' }];
};

const circuits: Check = ({ circuits: unclosed }) =>
  unclosed.map(({ function: name, target, open_until: openUntil, failures, reason }) => ({
    severity: 'warning',
    title: t('The deliveries of {name} to {target} wait', { name, target }),
    reason: `${circuitInWords({ openUntil, failures, reason: messageText(reason) })}. ${repair()}`,
    command: `sequent dest ls --function ${name}`,
  }));

const repair = (): string => t('Repair the target: its deliveries wait in the log, and continue by themselves.');

/** Without a time the circuit is half-open. */
function circuitInWords({ openUntil, ...facts }: { openUntil: number | undefined; failures: number; reason: string }): string {
  if (openUntil === undefined) return t('the circuit waits for the result of a probe; {failures} failures in a row; last: {reason}', facts);
  const time = new Date(openUntil).toISOString();
  return t('the circuit is open until {time}; {failures} failures in a row; last: {reason}', { ...facts, time });
}

const SKEW_IN_MS = 1_000;
const clocks: Check = ({ roles: running }) => {
  const wrong = new Map(running.filter(({ clock_ahead_ms: ahead = 0 }) => Math.abs(ahead) > SKEW_IN_MS).map((one) => [one.instance, one]));
  return [...wrong.values()].map(({ host = '', pid = 0, clock_ahead_ms: ahead = 0, takes_work = true }) => ({
    severity: takes_work ? 'warning' : 'error',
    title:
      ahead > 0
        ? t('The clock of {host} is {duration} ahead', { host, duration: formatDuration(Math.abs(ahead)) })
        : t('The clock of {host} is {duration} behind', { host, duration: formatDuration(Math.abs(ahead)) }),
    reason: takes_work ? t('Sequent uses the time of the NATS server') : t('its process {pid} takes no work', { pid }),
    command: 'sequent doctor',
  }));
};

const files: Check = ({ roles: running }) => {
  const found = new Map(
    running.flatMap(({ file_problems = [], host = '', pid = 0 }) => file_problems.map((reason) => [`${host} ${pid} ${reason}`, reason])),
  );
  return [...found.values()].map((reason) => ({
    severity: 'error',
    title: t('A file of a process needs attention'),
    reason,
    command: 'sequent doctor',
  }));
};

const encryption: Check = ({ roles: running, plain_requests = [] }) => {
  const processes = new Map(running.filter(({ missing_keys = [] }) => missing_keys.length > 0).map((one) => [one.instance, one]));
  return [
    ...[...processes.values()].map(
      ({ host = '', pid = 0, missing_keys = [] }): HealthIssue => ({
        severity: 'error',
        title: t('Process {pid} on {host} has no key for {projects}', { pid, host, projects: missing_keys.join(', ') }),
        reason: t('attempts of these projects wait, and calls are refused; start it with the --encryption-key of the others'),
        command: 'sequent doctor',
      }),
    ),
    ...plain_requests.map(
      ({ function: name, in_words, remedy }): HealthIssue => ({
        severity: 'error',
        title: t('{name} got requests in plain text', { name }),
        ...withRemedy(in_words, remedy),
      }),
    ),
  ];
};

function reachedInWords({ quota, limit, used = 0, refused: count }: Omit<SystemView['quotas'][number], 'project' | 'is_reached'>): string {
  const refused = formatNumber(count);
  switch (quota) {
    case 'open':
      return t('{used} of {limit} invocations are open; {refused} requests were refused', {
        used: formatNumber(used),
        limit: formatNumber(limit),
        refused,
      });
    case 'rate':
      return t('it sends more than {limit} requests per second; {refused} requests were refused', { limit: formatNumber(limit), refused });
    case 'functions':
      return t('{used} of {limit} functions are defined; {refused} changes were refused', {
        used: formatNumber(used),
        limit: formatNumber(limit),
        refused,
      });
    case 'schedules':
      return t('{used} of {limit} schedules are defined; {refused} changes were refused', {
        used: formatNumber(used),
        limit: formatNumber(limit),
        refused,
      });
    case 'definition_bytes':
      return t('its definitions have {used} of {limit}; {refused} changes were refused', {
        used: formatBytes(used),
        limit: formatBytes(limit),
        refused,
      });
    case 'stored_bytes':
      return t('{used} of {limit} are stored; {refused} requests were refused', {
        used: formatBytes(used),
        limit: formatBytes(limit),
        refused,
      });
  }
}

/** A project that has reached a quota, so that its requests are refused. */
const quotas: Check = ({ quotas: known }) =>
  known
    .filter(({ is_reached }) => is_reached)
    .map(({ project, quota, limit, used, refused }) => ({
      severity: 'warning',
      title: t('Project {project} has reached a quota', { project }),
      reason: reachedInWords({ quota, limit, used, refused }),
      command: `sequent project quota ${project}`,
    }));

/** Several versions run during a rolling upgrade. It is over when the processes of the older versions were started again. */
const versions: Check = ({ versions: running = [] }) => {
  const [newest, ...older] = running;
  if (newest === undefined || older.length === 0) return [];
  const counts = running.map(({ version, processes }) =>
    tn(processes, ['{count} process of {version}', '{count} processes of {version}'], { version }),
  );
  const reason = t('{counts}; start the older ones again with {version}', { counts: counts.join(t(', ')), version: newest.version });
  return [{ severity: 'warning', title: t('{count} versions run', { count: running.length }), reason, command: 'sequent doctor' }];
};

/** Each kind of problem has metrics in docs/operations.md. */
export const healthChecks = {
  roles,
  queues,
  waits,
  storage,
  refusal,
  losses,
  replicas,
  readModel,
  problems,
  deadLetters,
  circuits,
  clocks,
  files,
  encryption,
  quotas,
  versions,
} satisfies Record<string, Check>;

function isRunning(system: SystemView, role: string): boolean {
  return system.roles.some((one) => one.role === role);
}
