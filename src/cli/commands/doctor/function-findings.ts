import { failingPlatformInWords, platformRemedy } from '#src/analysis/platform-failures.ts';
import { whyQueueWaits } from '#src/analysis/queue-waits.ts';
import { say } from '#src/cli/texts/say.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import type { RoleInstance } from '#src/core/ports/role-instances.ts';
import type { ConsumerFacts } from '#src/nats/inspection.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** One line for each function that waits, or that the platform cannot run. The functions with an idle worker share one line. */
export function judgeFunctions({ inspection: { consumers }, registry, instances, failing = [] }: Examined): Finding[] {
  const functions = 'functions' in registry ? registry.functions : [];
  const byName = new Map(consumers.map((consumer) => [consumer.name, consumer]));
  const workers = countWorkers(instances);
  const found = functions.map(({ definition }) => judgeQueue(definition, byName.get(`fn-${definition.name}`), workers));
  const idle = found.filter((finding) => finding === 'idle').length;
  const definitions = new Map<string, RegisteredFunction['definition']>(functions.map(({ definition }) => [definition.name, definition]));
  const now = Date.now();
  return [
    ...(idle === 0
      ? []
      : [
          {
            level: 'ok',
            check: say('workers'),
            seen: idle === 1 ? say('1 function with an idle worker') : say('{count} functions with an idle worker', { count: idle }),
          } as const,
        ]),
    ...found.filter((finding) => finding !== 'idle'),
    ...failing.map(
      (one): Finding => ({
        level: 'problem',
        check: say('function {name}', { name: one.function }),
        seen: failingPlatformInWords(one, now),
        remedy: platformRemedy(one.function, definitions.get(one.function)?.handler),
      }),
    ),
  ];
}

/** The running workers that take work; `undefined` when the processes were not asked. */
function countWorkers(instances: readonly RoleInstance[] | undefined): number | undefined {
  return instances?.filter(({ roles, takesWork = true }) => takesWork && roles.includes('worker')).length;
}

function judgeQueue(
  definition: RegisteredFunction['definition'],
  consumer: ConsumerFacts | undefined,
  workers: number | undefined,
): Finding | 'idle' {
  const { name } = definition;
  const { pending, unacknowledged, redelivered } = consumer ?? { pending: 0, unacknowledged: 0, redelivered: 0 };
  const isIdle = pending + unacknowledged === 0;
  const counts = { pending, unacknowledged, redelivered };
  const lag =
    redelivered > 0
      ? say('{pending} waiting, {unacknowledged} in flight, {redelivered} redelivered', counts)
      : say('{pending} waiting, {unacknowledged} in flight', counts);
  const wait = whyQueueWaits({ name, definition, queue: consumer, workers });
  if (wait === undefined) return isIdle ? 'idle' : { level: 'ok', check: say('worker for {name}', { name }), seen: lag };
  const check = wait.kind === 'paused' ? say('function {name}', { name }) : say('worker for {name}', { name });
  // A pause is what its operator wants, and a full worker works: neither is a problem.
  const level = wait.kind === 'no-worker' && !isIdle ? 'problem' : 'note';
  return {
    level,
    check,
    seen: isIdle ? wait.text : say('{lag}: {why}', { lag, why: wait.text }),
    ...(wait.remedy === undefined ? {} : { remedy: wait.remedy }),
  };
}

export function judgeRegistry({ registry, missingFiles }: Examined): Finding[] {
  if ('why' in registry) {
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
