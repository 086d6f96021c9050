import { type PlainRequests, plainRequestsInWords, plainRequestsRemedy } from '#src/analysis/plain-requests.ts';
import { say } from '#src/cli/texts/say.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import type { RoleInstance } from '#src/core/ports/questions/role-instances.ts';
import { runningVersions } from '#src/core/running-versions.ts';
import { CIRCUIT_REMEDY, countOmittedCircuits, describeCircuit, unclosedCircuits } from '#src/core/unclosed-circuits.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

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
  if (silentRoles.includes('destinations')) found.push(silentDestinations());
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

function silentDestinations(): Finding {
  return { ...silentProcesses(), check: 'destinations', seen: say('a process with this role is connected to NATS, and does not answer') };
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
      seen: describeCircuit(circuit),
      remedy: CIRCUIT_REMEDY,
    }),
  );
  const omitted = countOmittedCircuits(instances);
  if (omitted === 0) return found;
  const seen = say('{count} more circuits are not closed', { count: omitted });
  return [...found, { level: 'problem', check: say('circuits'), seen, remedy: CIRCUIT_REMEDY }];
}
