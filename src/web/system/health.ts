import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/schemas/system.ts';

/** One thing that somebody should look at: what it is, what it means, and what to do. */
export type Concern = { gravity: 'failed' | 'retrying'; what: string; why: string; command?: string; to?: string };

type Check = (system: SystemView) => Concern[];

/** What of the state of the system needs somebody, the gravest first; nothing when all is well. */
export function concernsOf(system: SystemView): Concern[] {
  const concerns = checks.flatMap((check) => check(system));
  return concerns.sort((one, other) => Number(other.gravity === 'failed') - Number(one.gravity === 'failed'));
}

/** Whether somebody works on a queue: who has his hands full asks for nothing more. */
export function isAttended({ is_attended, at_work }: SystemView['lags'][number]): boolean {
  return is_attended || at_work > 0;
}

/** Without these something comes to a stop. The janitor only keeps the log short. */
const needed: Readonly<Record<string, string>> = {
  worker: 'nothing is executed',
  scheduler: 'retries that are due do not start, and what is stuck stays stuck',
  destinations: 'nobody is told about outcomes',
  projection: 'lists, searches and statistics do not answer',
};

const roles: Check = (system) =>
  Object.entries(needed)
    .filter(([role]) => !isPlayed(system, role))
    .map(([role, why]) => ({ gravity: 'failed', what: `The role ${role} is missing`, why, command: `npx sequent serve --role ${role}` }));

/** A queue whose role nobody plays is no concern of its own. */
const queues: Check = (system) =>
  system.lags
    .filter((lag) => !isAttended(lag) && lag.waiting > 0 && isPlayed(system, lag.role))
    .map(({ role, name, waiting }) => {
      const why = role === 'worker' ? 'no worker runs it' : 'its role does not ask';
      return { gravity: 'retrying', what: `Nobody works for ${name}`, why: `${count(waiting, 'message waits', 'messages wait')}: ${why}` };
    });

const FULL_SHARE = 0.8;
const storage: Check = ({ log: { used_bytes, limit_bytes } = { used_bytes: 0 } }) => {
  if (limit_bytes === undefined || used_bytes < limit_bytes * FULL_SHARE) return [];
  const share = Math.round((used_bytes / limit_bytes) * 100);
  const why = 'a full log refuses new requests; a shorter retention makes room';
  return [{ gravity: share >= 95 ? 'failed' : 'retrying', what: `${share} % of the storage is used`, why }];
};

const LATE_IN_MS = 10_000;
const readModel: Check = ({ projection }) => {
  if (projection?.rebuild !== undefined) {
    const { why, percent } = projection.rebuild;
    const what = `The read model is built anew, ${percent.toFixed(0)} %`;
    return [{ gravity: 'retrying', what, why: `until then lists are incomplete: ${why}` }];
  }
  if (projection === undefined || projection.lag_ms < LATE_IN_MS) return [];
  const what = `The read model is ${formatDuration(projection.lag_ms)} behind`;
  return [{ gravity: 'retrying', what, why: 'lists and statistics show the past' }];
};

const problems: Check = ({ projection }) => {
  if (!projection?.problems) return [];
  const why = 'something in it cannot be read, or breaks a rule';
  return [
    { gravity: 'retrying', what: `${count(projection.problems, 'problem', 'problems')} in the log`, why, command: 'npx sequent verify' },
  ];
};

const deadLetters: Check = ({ dead_letters = 0, is_dead_letters_at_least }) => {
  if (dead_letters === 0) return [];
  const what =
    is_dead_letters_at_least === true
      ? `More than ${count(dead_letters, '', 'dead letters')}`
      : count(dead_letters, 'dead letter', 'dead letters');
  return [{ gravity: 'retrying', what, why: 'these destinations were never told', to: '/dead-letters' }];
};

const SKEW_IN_MS = 1_000;
const clock: Check = ({ server: { clock_ahead_ms: ahead = 0 } = {} }) => {
  if (Math.abs(ahead) < SKEW_IN_MS) return [];
  const what = `The clock of NATS is ${formatDuration(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}`;
  return [{ gravity: 'retrying', what, why: 'ages and delays are judged by it' }];
};

const checks: readonly Check[] = [roles, queues, storage, readModel, problems, deadLetters, clock];

function isPlayed(system: SystemView, role: string): boolean {
  return system.roles.some((one) => one.role === role);
}

function count(many: number, one: string, several: string): string {
  return `${many.toLocaleString('en')} ${many === 1 ? one : several}`;
}
