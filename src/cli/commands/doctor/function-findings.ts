import { failingPlatformInWords, platformRemedy } from '#src/analysis/explain/platform-failures.ts';
import { type FlowSlots, type Surroundings, type Wait, whyNoneStarts, whyQueueWaits } from '#src/analysis/explain/queue-waits.ts';
import { say } from '#src/cli/texts/say.ts';
import type { PoolState } from '#src/client/state/flow.ts';
import { LATEST, type RegisteredFunction } from '#src/core/functions/definition.ts';
import { poolOf } from '#src/core/functions/flow.ts';
import { tokenOfPool } from '#src/core/functions/pool-names.ts';
import { rateOf } from '#src/core/functions/rate.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { RoleInstance } from '#src/core/ports/questions/role-instances.ts';
import type { ConsumerFacts } from '#src/nats/inspection.ts';
import { FUNCTIONS_BUCKET } from '#src/nats/wire/topology.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** One line for each function that waits, or that the platform cannot run. The idle functions share one line. */
export function judgeFunctions(
  { inspection: { consumers }, registry, instances, failing = [], canaries = [], pools = [], unclaimed }: Examined,
  now: number,
): Finding[] {
  const functions = 'functions' in registry ? registry.functions : [];
  const byName = new Map(consumers.map((consumer) => [consumer.name, consumer]));
  const workers = countWorkers(instances);
  const found = functions.map(({ definition }) => {
    const slots = slotsOf(definition, pools);
    const { name } = definition;
    const queue = byName.get(`fn-${name}`) ?? queueOf(name, unclaimed?.get(name));
    return judgeQueue({ name, definition, slots, queue, workers }, now);
  });
  const idle = found.filter((finding) => finding === 'idle').length;
  const definitions = new Map<string, RegisteredFunction['definition']>(functions.map(({ definition }) => [definition.name, definition]));
  return [
    ...(idle === 0
      ? []
      : [
          {
            level: 'ok',
            check: say('workers'),
            seen: idle === 1 ? say('1 idle function') : say('{count} idle functions', { count: idle }),
          } as const,
        ]),
    ...found.filter((finding) => finding !== 'idle' && finding !== 'unneeded'),
    ...failing.map(
      (one): Finding => ({
        level: 'problem',
        check: say('function {name}', { name: one.function }),
        seen: failingPlatformInWords(one, now),
        remedy: platformRemedy(one.function, definitions.get(one.function)?.handler),
      }),
    ),
    ...canaries.map(canaryFinding),
  ];
}

function canaryFinding({ function: name, alias, text, remedy = '', automatic }: NonNullable<Examined['canaries']>[number]): Finding {
  const check = say('canary of {name}', { name: `${name}:!${alias}` });
  if (automatic?.kind !== 'undecided') return { level: 'problem', check, seen: text, remedy };
  return { level: 'note', check, seen: automatic.text, remedy: automatic.commands.join('; ') };
}

/** Invocations that stand until their maximum age, whatever the roles do. */
export function judgeWaysOn(found: Examined['withoutWayOn'] = []): Finding[] {
  return found.map(({ id, function: name, why }) => ({
    level: 'problem',
    check: say('invocation {id}', { id }),
    seen: `${name}: ${why}`,
    remedy: `sequent cancel ${id} --function ${name}`,
  }));
}

/** Deliveries that nothing tries again. Their outcomes stand, so that they are a note. */
export function judgeDeadLetters(dead: Examined['deadLetters']): Finding[] {
  if (dead === undefined || dead.count === 0) return [];
  const { count, isAtLeast } = dead;
  const seen = isAtLeast
    ? say('more than {count} deliveries are dead, and are not tried again', { count })
    : count === 1
      ? say('1 delivery is dead, and is not tried again')
      : say('{count} deliveries are dead, and are not tried again', { count });
  return [{ level: 'note', check: say('dead letters'), seen, remedy: 'sequent dest dead ls' }];
}

/** The running workers that take work; `undefined` when the processes were not asked. */
function countWorkers(instances: readonly RoleInstance[] | undefined): number | undefined {
  return instances?.filter(({ roles, takesWork = true }) => takesWork && roles.includes('worker')).length;
}

/** The queue of a function whose consumer nobody has opened yet: its requests wait in the log. */
function queueOf(name: string, pending = 0): ConsumerFacts | undefined {
  return pending === 0 ? undefined : { name: `fn-${name}`, pending, unacknowledged: 0, redelivered: 0, waiting: 0 };
}

/**
 * The slots and the rate of a function without keys, and how many of its requests wait, most of them in the log. What a key waits for is a
 * finding of its pool.
 */
function slotsOf(
  { name, flow }: RegisteredFunction['definition'],
  pools: readonly PoolState[],
): (FlowSlots & { waiting: number }) | undefined {
  if (flow === undefined || flow.key !== undefined) return undefined;
  const id = poolOf(name as FunctionName, flow);
  const found = pools.find(({ pool }) => pool === id);
  if (found === undefined) return undefined;
  const { running, nextAt } = found;
  const waiting = found.functions.find((one) => one.name === name)?.waiting ?? 0;
  const rate = flow.rate === undefined || nextAt === undefined ? {} : { rate: { ...rateOf(flow.rate), nextAt } };
  return { pool: tokenOfPool(id), running, limit: flow.concurrency, waiting, ...rate };
}

type Queue = Omit<Surroundings, 'roles' | 'load' | 'queue' | 'definition' | 'slots'> & {
  definition: RegisteredFunction['definition'];
  slots: ReturnType<typeof slotsOf>;
  queue: ConsumerFacts | undefined;
};

function judgeQueue(around: Queue, now: number): Finding | 'idle' | 'unneeded' {
  const { name, queue, workers, slots } = around;
  const { pending, unacknowledged, redelivered } = queue ?? { pending: 0, unacknowledged: 0, redelivered: 0 };
  const waiting = Math.max(pending, slots?.waiting ?? 0);
  const isIdle = waiting + unacknowledged === 0;
  const lag = lagInWords({ pending: waiting, unacknowledged, redelivered });
  const wait = isIdle ? whyQueueWaits(around) : whyNoneStarts(around, now);
  if (wait === undefined) return isIdle ? 'idle' : { level: 'ok', check: say('worker for {name}', { name }), seen: lag };
  // That no worker answers at all has its own line.
  if (isIdle && wait.kind === 'no-worker' && workers === 0) return 'unneeded';
  // Without a consumer nobody knows whether a worker runs the function, and no request waits (CONS1).
  if (queue === undefined && wait.kind === 'no-worker') return 'idle';
  return findingOf(wait, { name, isIdle, lag });
}

function findingOf({ kind, text, remedy }: Wait, { name, isIdle, lag }: { name: string; isIdle: boolean; lag: string }): Finding {
  return {
    // A pause is what its operator wants, and a full worker works: neither is a problem.
    level: kind === 'no-worker' && !isIdle ? 'problem' : 'note',
    check: kind === 'paused' ? say('function {name}', { name }) : say('worker for {name}', { name }),
    seen: isIdle ? text : say('{lag}: {why}', { lag, why: text }),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function lagInWords(counts: Pick<ConsumerFacts, 'pending' | 'unacknowledged' | 'redelivered'>): string {
  return counts.redelivered > 0
    ? say('{pending} waiting, {unacknowledged} in flight, {redelivered} redelivered', counts)
    : say('{pending} waiting, {unacknowledged} in flight', counts);
}

export function judgeRegistry({ registry, missingFiles }: Examined): Finding[] {
  if ('why' in registry) {
    if (registry.isUnread === true) {
      const stream = say('stream {name}', { name: `KV_${FUNCTIONS_BUCKET}` });
      const remedy = say('see the finding of {stream}', { stream });
      return [{ level: 'problem', check: say('functions'), seen: say('cannot be read ({why})', { why: registry.why }), remedy }];
    }
    const remedy = say('define the function again, or remove it: sequent fn rm');
    return [{ level: 'problem', check: say('functions'), seen: registry.why, remedy }];
  }
  const { functions } = registry;
  const seen = functions.length === 1 ? say('1 function, all valid') : say('{count} functions, all valid', { count: functions.length });
  const found: Finding[] =
    functions.length === 0
      ? [{ level: 'note', check: say('functions'), seen: say('no function is defined'), remedy: 'sequent fn put hello --file ./hello.mjs' }]
      : [{ level: 'ok', check: say('functions'), seen }];
  for (const { name, file } of missingFiles) {
    found.push({
      level: 'note',
      check: say('function {name}', { name }),
      seen: say('{file} is not on this machine', { file }),
      remedy: say('copy the file to this machine if a worker runs here'),
    });
  }
  return found;
}

/** Destinations of stored definitions that no delivery can reach. A version that nobody calls has them too, until it is removed. */
export function judgeTargets(missing: Examined['missingTargets'] = []): Finding[] {
  return missing.map((edge): Finding => {
    const seen =
      edge.on === 'success'
        ? say('{from} notifies {to} on success, and {to} does not exist: those deliveries end dead', edge)
        : say('{from} notifies {to} on failure, and {to} does not exist: those deliveries end dead', edge);
    const remedy = say('define {to} (sequent fn put), or: {change}', { ...edge, change: changeOf(edge) });
    return { level: 'problem', check: say('function {name}', edge), seen, remedy };
  });
}

/** An alert on the metrics has read them within this time: Prometheus reads them every minute at least. */
const METRICS_READ_WITHIN_MS = 900_000;
const MAX_NAMED = 5;

/** One line for all functions whose failures reach nobody. While a process reads the metrics, an alert may report the failures. */
export function judgeUntold({ untold, instances = [] }: Pick<Examined, 'untold' | 'instances'>, now: number): Finding[] {
  if (untold === undefined || untold.length === 0) return [];
  const labels = untold.flatMap(({ from }) => from);
  const names = labels.slice(0, MAX_NAMED).join(', ');
  const more = labels.length - MAX_NAMED;
  const listed = more > 0 ? say('{names} and {count} more', { names, count: more }) : names;
  const check = say('failures');
  if (instances.some(({ metricsReadAt = Number.NEGATIVE_INFINITY }) => now - metricsReadAt < METRICS_READ_WITHIN_MS))
    return [{ level: 'ok', check, seen: say('only an alert on the metrics can tell of a failure of {listed}', { listed }) }];
  return [
    {
      level: 'note',
      check,
      seen: say(
        'nobody is told when an invocation fails: {listed} (no failure destination, no consumer of the results, no reader of the metrics)',
        {
          listed,
        },
      ),
      remedy: say('sequent fn set {name} --on-failure …, or an alert: docs/operations.md, "What to alert on"', {
        name: untold[0]?.name ?? '',
      }),
    },
  ];
}

/** The command that changes the policy with a destination. */
function changeOf({ name, qualifier, from, on }: NonNullable<Examined['missingTargets']>[number]): string {
  if (qualifier === LATEST) return `sequent fn set ${name} --unset policy.${on === 'success' ? 'onSuccess' : 'onFailure'}`;
  // A version cannot be changed.
  return qualifier.startsWith('!') ? `sequent fn alias set ${name} ${qualifier.slice(1)} <version> --on-${on} …` : `sequent fn rm ${from}`;
}
