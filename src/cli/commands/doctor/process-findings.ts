import { type PlainRequests, plainRequestsInWords, plainRequestsRemedy } from '#src/analysis/plain-requests.ts';
import { say, translated } from '#src/cli/texts/say.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import type { AskedRole, RoleInstance } from '#src/core/ports/questions/role-instances.ts';
import { runningVersions } from '#src/core/running-versions.ts';
import { CIRCUIT_REMEDY, countOmittedCircuits, type UnclosedCircuit, unclosedCircuits } from '#src/core/unclosed-circuits.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** The scheduler, which is asked itself. One that is connected and silent is no missing one (A1). */
export function judgeScheduler({ inspection, silentRoles = [] }: Examined): Finding {
  const check = 'scheduler';
  if (inspection.scheduler) return { level: 'ok', check, seen: say('answers') };
  if (silentRoles.includes(check)) return silentRole(check);
  const seen = say('no scheduler answers: retries wait, and no invocation ends by age');
  return { level: 'problem', check, seen, remedy: 'sequent serve --role scheduler' };
}

/** The roles without which Sequent stops, except for the scheduler and the projection, which are asked themselves. The page System has the same. */
export function judgeRoles({ instances, silentRoles, registry }: Examined): Finding[] {
  if (silentRoles === undefined) return [];
  // A process may be overloaded or stopped by a signal: its roles are unknown, and not absent (A1).
  if (instances === undefined) return [silentProcesses()];
  const hasRole = (role: string): boolean => instances.some(({ roles }) => roles.includes(role));
  const found: Finding[] = [];
  if (!hasRole('worker')) {
    const seen = say('no worker answers: nothing is executed');
    found.push({ level: 'problem', check: 'worker', seen, remedy: 'sequent serve --role worker' });
  }
  if (silentRoles.includes('destinations')) found.push(silentRole('destinations'));
  else if (!hasRole('destinations')) {
    // The outcomes of functions without destinations need no delivery.
    const isNeeded = 'functions' in registry && registry.functions.some(({ definition: { policy } }) => hasDestinations(policy));
    const seen = say('no destinations role answers: no outcome is delivered');
    found.push({ level: isNeeded ? 'problem' : 'note', check: 'destinations', seen, remedy: 'sequent serve --role destinations' });
  }
  return found;
}

const hasDestinations = ({ onSuccess, onFailure }: Policy): boolean => onSuccess.length + onFailure.length > 0;

function silentProcesses(): Finding {
  return {
    level: 'problem',
    check: say('processes'),
    seen: say('processes of Sequent are connected to NATS, and none answers'),
    remedy: say('their logs; kill -CONT <process> for one that a signal stopped, or start it again'),
  };
}

function silentRole(check: AskedRole): Finding {
  return { ...silentProcesses(), check, seen: say('a process with this role is connected to NATS, and does not answer') };
}

/** One line for each way in which the workers isolate the code of other projects. */
export function judgeIsolation(instances: readonly RoleInstance[] = []): Finding[] {
  const summaries = new Set(instances.map(({ isolation }) => isolation).filter((summary) => summary !== undefined));
  return [...summaries].map((seen): Finding => {
    if (seen.startsWith('namespaces')) return { level: 'ok', check: say('isolation'), seen };
    return { level: 'note', check: say('isolation'), seen, remedy: say('docs/security.md, "Uploaded code"') };
  });
}

/** A line for the versions that run. Several of them are a rolling upgrade, or one that was not finished. */
export function judgeVersions(instances: readonly RoleInstance[] = []): Finding[] {
  const [newest, ...older] = runningVersions(instances);
  if (newest === undefined) return [];
  const check = say('versions');
  if (older.length === 0) return [{ level: 'ok', check, seen: say('every process runs {version}', { version: newest.version }) }];
  const counts = [newest, ...older].map(({ version, processes }) => `${version} (${processes})`).join(', ');
  return [
    {
      level: 'note',
      check,
      seen: say('processes run several versions: {counts}', { counts }),
      remedy: say('start the processes of {older} again with {version}', {
        older: older.map(({ version }) => version).join(', '),
        version: newest.version,
      }),
    },
  ];
}

/** The slots of all workers, of which executions hold some. */
export function judgeLoad(instances: readonly RoleInstance[] = []): Finding[] {
  const workers = instances.filter(({ slots }) => slots !== undefined);
  if (workers.length === 0) return [];
  const sum = (field: 'heldSlots' | 'slots'): number => workers.reduce((total, { [field]: value = 0 }) => total + value, 0);
  const counts = { held: sum('heldSlots'), slots: sum('slots'), count: workers.length };
  const seen = say('{held} of {slots} slots of {count} worker processes are in use', counts);
  return [{ level: 'ok', check: say('load'), seen }];
}

/** Projects whose functions waited for the processors of a worker in the last minute, because their quota was used up (CPU1). */
export function judgeProcessors(instances: readonly RoleInstance[] = []): Finding[] {
  return instances.flatMap(({ host, pid, processorUse = [] }) =>
    processorUse
      .filter(({ hasWaited }) => hasWaited)
      .map(({ project, waitedInMs }): Finding => {
        const seconds = Math.ceil(waitedInMs / 1_000);
        return {
          level: 'note',
          check: say('processors of project {name}', { name: project }),
          seen: say('its functions wait for their part of the processors: {seconds} s since the worker started (process {pid} on {host})', {
            seconds,
            pid,
            host,
          }),
          remedy: `sequent project quota ${project} --processors 2`,
        };
      }),
  );
}

/** A process that is busy with one project to this part of a minute delays all others. */
const LARGE_SHARE = 0.2;

/** The project whose bytes took the most of the main thread of a process in the last minute, if they took much (CPU2). */
export function judgeThreads(instances: readonly RoleInstance[] = []): Finding[] {
  return instances.flatMap(({ roles, host, pid, threadUse = [] }): Finding[] => {
    const [most] = threadUse.toSorted((one, other) => other.share - one.share);
    // With one project, nobody else waits.
    if (most === undefined || most.share < LARGE_SHARE || threadUse.length === 1) return [];
    return [
      {
        level: 'note',
        check: say('main thread'),
        seen: say('the bytes of project {name} took {percent} % of the last minute of {roles} (process {pid} on {host})', {
          name: most.project,
          percent: Math.round(most.share * 100),
          roles: roles.join(', '),
          pid,
          host,
        }),
        remedy: say('smaller payloads, or a lower rate: sequent project quota {name} --rate 100', { name: most.project }),
      },
    ];
  });
}

/** Files that a running process cannot use, although they changed. It works on with the content before. */
export function judgeFiles(instances: readonly RoleInstance[] = []): Finding[] {
  return instances.flatMap(({ host, pid, fileProblems = [] }) =>
    fileProblems.map((seen) => ({
      level: 'problem' as const,
      check: say('files'),
      seen: say('{seen} (process {pid} on {host})', { seen, pid, host }),
      remedy: say('correct the file; a running process reads it again within two seconds, or at once after kill -HUP'),
    })),
  );
}

/** Processes that cannot seal or open the payloads of a project. The attempts of its functions wait, and its callers are refused. */
export function judgeKeys(instances: readonly RoleInstance[] = []): Finding[] {
  return instances
    .filter(({ missingKeys = [] }) => missingKeys.length > 0)
    .map(({ host, pid, roles, missingKeys = [] }) => ({
      level: 'problem',
      check: say('encryption'),
      seen: say('{roles} (process {pid} on {host}) has no key for the payloads of {projects}: attempts wait, and calls are refused', {
        roles: roles.join(', '),
        pid,
        host,
        projects: missingKeys.join(', '),
      }),
      remedy: say('start the process with the --encryption-key or --encryption-command of the others'),
    }));
}

/** Requests in plain text for functions of projects that encrypt payloads. */
export function judgePlainRequests(found: readonly PlainRequests[] = [], now = Date.now()): Finding[] {
  return found.map((one) => ({
    level: 'problem',
    check: say('function {name}', { name: one.function }),
    seen: plainRequestsInWords(one, now),
    remedy: plainRequestsRemedy(one.function),
  }));
}

/** A circuit that is not closed, in any process. One without a failure since its last probe recovers. */
export function judgeCircuits(instances: Examined['instances'] = []): Finding[] {
  const found = unclosedCircuits(instances).map(
    (circuit): Finding => ({
      level: circuit.failures > 0 ? 'problem' : 'note',
      check: say('circuit of {function}', { function: circuit.function }),
      seen: circuitInWords(circuit),
      remedy: translated(CIRCUIT_REMEDY),
    }),
  );
  const omitted = countOmittedCircuits(instances);
  if (omitted === 0) return found;
  const seen = say('{count} more circuits are not closed', { count: omitted });
  return [...found, { level: 'problem', check: say('circuits'), seen, remedy: translated(CIRCUIT_REMEDY) }];
}

/** As `describeCircuit` writes it to the log, in the language of the reader. */
function circuitInWords({ state, openUntil, ...facts }: UnclosedCircuit): string {
  const values = { ...facts, time: new Date(openUntil).toISOString() };
  return state === 'open'
    ? say('the circuit of {target} for {function} is open until {time}; {failures} failures in a row; last: {reason}', values)
    : say(
        'the circuit of {target} for {function} is half-open, and waits for the result of a probe; {failures} failures in a row; last: {reason}',
        values,
      );
}
