import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/schemas/system.ts';

/** Something that an operator should repair: its title and reason, and the command or the page that helps. */
export type HealthIssue = { severity: 'error' | 'warning'; title: string; reason: string; command?: string; to?: string };

type Check = (system: SystemView) => HealthIssue[];

/** The issues of a system, errors first. Empty when the system is healthy. */
export function healthIssues(system: SystemView): HealthIssue[] {
  const issues = checks.flatMap((check) => check(system));
  return issues.sort((one, other) => Number(other.severity === 'error') - Number(one.severity === 'error'));
}

/** Whether a process takes work from a queue. A process at its limit requests nothing, but has work in progress. */
export function hasConsumer({ is_attended, at_work }: SystemView['lags'][number]): boolean {
  return is_attended || at_work > 0;
}

/** The roles that must run, and what stops without each. The janitor is not among them: it only keeps the log short. */
const requiredRoles: Readonly<Record<string, string>> = {
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
      title: `The role ${role} is missing`,
      reason,
      command: `npx sequent serve --role ${role}`,
    }));

/** Queues with waiting messages and no consumer. A queue of a missing role is left out: the missing role is the issue. */
const queues: Check = (system) =>
  system.lags
    .filter((lag) => !hasConsumer(lag) && lag.waiting > 0 && isRunning(system, lag.role))
    .map(({ role, name, waiting }) => {
      const cause = role === 'worker' ? 'no worker runs this function' : `the role ${role} takes no work`;
      const reason = `${count(waiting, 'message waits', 'messages wait')}: ${cause}`;
      return { severity: 'warning', title: `The queue ${name} has no consumer`, reason };
    });

const FULL_SHARE = 0.8;
const storage: Check = ({ log: { used_bytes, limit_bytes } = { used_bytes: 0 } }) => {
  if (limit_bytes === undefined || used_bytes < limit_bytes * FULL_SHARE) return [];
  const share = Math.round((used_bytes / limit_bytes) * 100);
  const reason = 'a full log refuses new requests; a shorter retention frees storage';
  return [{ severity: share >= 95 ? 'error' : 'warning', title: `${share} % of the storage is used`, reason }];
};

const refusal: Check = ({ log }) =>
  log?.refusal === undefined
    ? []
    : [{ severity: 'error', title: 'The log is full and refuses messages', reason: log.refusal.why, command: 'npx sequent doctor' }];

const losses: Check = ({ log }) =>
  (log?.losses ?? []).map(({ id, in_words, lost_at_most }) => ({
    severity: 'error',
    title: `The log lost at most ${count(lost_at_most, 'acknowledged message', 'acknowledged messages')}`,
    reason: in_words,
    command: `npx sequent loss show ${id}`,
  }));

const replicas: Check = ({ log }) =>
  log?.replica_difference === undefined
    ? []
    : [
        {
          severity: 'error',
          title: 'The replicas of the log differ',
          reason: log.replica_difference,
          command: 'npx sequent doctor --replicas',
        },
      ];

const LATE_IN_MS = 10_000;
const readModel: Check = ({ projection }) => {
  if (projection?.rebuild !== undefined) {
    const { why, percent } = projection.rebuild;
    const title = `The read model is being rebuilt, ${percent.toFixed(0)} %`;
    return [{ severity: 'warning', title, reason: `lists are incomplete until then: ${why}` }];
  }
  if (projection === undefined || projection.lag_ms < LATE_IN_MS) return [];
  const title = `The read model is ${formatDuration(projection.lag_ms)} behind`;
  return [{ severity: 'warning', title, reason: 'lists and statistics are out of date' }];
};

const problems: Check = ({ projection }) => {
  if (!projection?.problems) return [];
  const title = `${count(projection.problems, 'problem', 'problems')} in the log`;
  return [{ severity: 'warning', title, reason: 'some facts cannot be read or break a rule', command: 'npx sequent verify' }];
};

const deadLetters: Check = ({ dead_letters = 0, is_dead_letters_at_least }) => {
  if (dead_letters === 0) return [];
  const title =
    is_dead_letters_at_least === true
      ? `More than ${count(dead_letters, '', 'dead letters')}`
      : count(dead_letters, 'dead letter', 'dead letters');
  return [{ severity: 'warning', title, reason: 'these deliveries are not tried again by themselves', to: '/dead-letters' }];
};

const circuits: Check = ({ circuits: unclosed }) =>
  unclosed.map(({ function: name, target, in_words }) => ({
    severity: 'warning',
    title: `The deliveries of ${name} to ${target} wait`,
    reason: in_words,
    command: `npx sequent dest ls --function ${name}`,
  }));

const SKEW_IN_MS = 1_000;
const clocks: Check = ({ roles: running }) => {
  const wrong = new Map(running.filter(({ clock_ahead_ms: ahead = 0 }) => Math.abs(ahead) > SKEW_IN_MS).map((one) => [one.instance, one]));
  return [...wrong.values()].map(({ host = '', pid = 0, clock_ahead_ms: ahead = 0, takes_work = true }) => ({
    severity: takes_work ? 'warning' : 'error',
    title: `The clock of ${host} is ${formatDuration(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}`,
    reason: takes_work ? 'Sequent uses the time of the NATS server' : `its process ${pid} takes no work`,
  }));
};

const checks: readonly Check[] = [roles, queues, storage, refusal, losses, replicas, readModel, problems, deadLetters, circuits, clocks];

function isRunning(system: SystemView, role: string): boolean {
  return system.roles.some((one) => one.role === role);
}

function count(value: number, singular: string, plural: string): string {
  return `${value.toLocaleString('en')} ${value === 1 ? singular : plural}`;
}
