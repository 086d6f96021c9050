import { setTimeout as sleep } from 'node:timers/promises';
import type { SequentClient } from '#src/client/client.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import type { Expected } from '#src/judge/evidence.ts';
import type { Act } from '#src/judge/witness.ts';

/** In the order of their definition: a destination exists before the function that names it. */
const kinds = [
  'plain',
  'retried',
  'refused',
  'child',
  'chained',
  'keyed',
  'ordered',
  'urgent',
  'rated',
  'grouped',
  'latest',
  'collect',
  'member',
] as const;
type Kind = (typeof kinds)[number];

/** The functions of one storm. Their names begin with `storm-`, and tell apart what two storms create at one time. */
export type StormFunctions = { names: readonly string[]; of: (kind: Kind) => string };

export function namesOf(tag: string): StormFunctions {
  const of = (kind: Kind): string => `storm-${tag}-${kind}`;
  return { names: kinds.map(of), of };
}

/** The functions whose executions the command answers itself and writes down: those with a promise about executions. The others are packages. */
const witnessed: readonly Kind[] = ['retried', 'keyed', 'ordered', 'urgent', 'rated', 'member'];

/** An event says what its execution does. A debounced function gets a list of events, which does nothing. */
const CODE = `export const handler = async (event, context) => {
  if (event.fails === 'always' || (event.fails === 'once' && context.attempt === 1)) throw new Error('the event says that it fails');
  if (event.takesMs > 0) await new Promise((end) => setTimeout(end, event.takesMs));
  return { number: event.number ?? null, attempt: context.attempt };
};
`;

/** Loads what the packages hold, so that an event means the same on a worker and in this process. */
export async function loadAct(): Promise<Act> {
  const { handler } = await import(`data:text/javascript,${encodeURIComponent(CODE)}`);
  return (event, attempt) => handler(event, { attempt });
}

/**
 * How many executions of a function may run at once: in this command, and in processes of a worker. On two cores, 32 processes of each function
 * took half a minute to start, and the requests waited for them.
 */
const CONCURRENCY = { witnessed: 32, packed: 4 } as const;

/** The flows of a storm let its requests through on a small cluster. */
const LIMITS = { keyed: 2, ordered: 1, urgent: 12 } as const;
const RATE = { limit: 20, per: '1s', burst: 10 } as const;
const backoff = { initialInMs: 200, factor: 2, maxInMs: 2_000, jitter: 0.5 };

const settings = (of: StormFunctions['of']): Partial<Record<Kind, Partial<FunctionDefinitionInput>>> => ({
  retried: { policy: { maxRetries: 3, backoff } },
  refused: { policy: { maxRetries: 0 } },
  chained: { policy: { onSuccess: [toFunction(of('child'))] } },
  keyed: { flow: { concurrency: LIMITS.keyed, key: '$.key', total: 16 } },
  ordered: { flow: { concurrency: LIMITS.ordered, key: '$.key', order: 'fifo' } },
  urgent: { flow: { concurrency: LIMITS.urgent, order: 'priority', aging: '1s' } },
  rated: { flow: { rate: RATE } },
  grouped: { flow: { key: '$.key', debounce: { wait: '500ms', maxWait: '2s', keep: 'all' } } },
  latest: { flow: { key: '$.key', debounce: { wait: '300ms', maxWait: '1s', keep: 'last' } } },
});

const toFunction = (name: string) => ({ destination: 'FunctionGraph' as const, param: { func_urn: name } });

/** The destinations that a batch of a storm has. */
export const onBatchComplete = ({ of }: StormFunctions) => [toFunction(of('collect'))];

/** The clocks of machines may differ by this, so a rate is judged with this tolerance. */
const CLOCKS_DIFFER_BY_MS = 1_000;

/** What the judge expects of the functions, beside the promises that every function has. */
export function expectedOf({ of }: StormFunctions): Readonly<Record<string, Expected>> {
  return {
    ...Object.fromEntries(witnessed.map((kind) => [of(kind), {}])),
    [of('keyed')]: { limit: LIMITS.keyed, key: 'key' },
    [of('ordered')]: { limit: LIMITS.ordered, key: 'key', isFifo: true },
    [of('urgent')]: { limit: LIMITS.urgent },
    [of('rated')]: { rate: { limit: RATE.limit, perInMs: 1_000, burst: RATE.burst, toleranceInMs: CLOCKS_DIFFER_BY_MS } },
  };
}

/**
 * Stores the code and the functions of a storm. With a subject, the command answers there the executions that it writes down; without, all
 * functions are packages.
 */
export async function defineFunctions(
  { packages, functions }: Pick<SequentClient, 'packages' | 'functions'>,
  storm: StormFunctions,
  subject?: string,
) {
  const archive = await writeZip([{ path: 'storm.mjs', content: Buffer.from(CODE) }]);
  await packages.put(archive);
  const packed = { kind: 'process', package: digestOf(archive), file: 'storm.mjs', export: 'handler' } as const;
  const own = settings(storm.of);
  for (const kind of kinds) {
    const definition =
      subject !== undefined && witnessed.includes(kind)
        ? { handler: { kind: 'subject' as const, subject }, concurrency: CONCURRENCY.witnessed }
        : { handler: packed, concurrency: CONCURRENCY.packed };
    await functions.put({ name: storm.of(kind), ...definition, ...own[kind] });
  }
}

const REPEATED_EVERY_MS = 500;

/**
 * Removes the functions. Requests that wait then fail. Repeats what a fault of the cluster prevents, until the deadline.
 *
 * Their code stays: an operator lacks the permission to remove it, and the sweep removes code that no function has named for a day.
 */
export async function removeFunctions(
  { functions }: Pick<SequentClient, 'functions'>,
  { names }: StormFunctions,
  deadline: number,
): Promise<void> {
  for (const name of names) await repeatedly(deadline, () => functions.delete(name));
}

async function repeatedly(deadline: number, remove: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await remove();
    } catch (error) {
      if (error instanceof FunctionNotFoundError) return;
      if (performance.now() > deadline) throw error;
      await sleep(REPEATED_EVERY_MS);
    }
  }
}
