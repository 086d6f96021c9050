import type { SequentClient as Client } from '#src/client/client.ts';
import type { FunctionDefinitionInput, PolicyInput } from '#src/core/functions/definition.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import { overlaps } from '#src/core/schedules/schedule.ts';
import type { Expected } from '#src/judge/evidence.ts';
import { toFunction } from '#test/support/destinations/delivering-system.ts';

/**
 * The flows of the functions of the storm that have one. On a busy machine a slot passes on in a second or two, and the limits let the requests of a
 * storm through even then.
 */
export const FLOWS = {
  keyed: { concurrency: 2, key: '$.key', total: 16 },
  pooled: { concurrency: 16, pool: 'shared' },
  neighbour: { concurrency: 20, pool: 'shared' },
  ordered: { concurrency: 1, key: '$.key', order: 'fifo' },
  urgent: { concurrency: 12, order: 'priority', aging: '1s' },
  rated: { rate: { limit: 40, per: '1s', burst: 20 } },
  grouped: { key: '$.key', debounce: { wait: '500ms', maxWait: '2s', keep: 'all' } },
  latest: { key: '$.key', debounce: { wait: '300ms', maxWait: '1s', keep: 'last' } },
} as const satisfies Record<string, Flow>;
type WithFlow = keyof typeof FLOWS;

/** The clocks of two machines, as the processes that write the ledger measure them, differ by less than this. */
export const CLOCKS_DIFFER_BY_MS = 1_000;

/** Requests of it fail, and the load redrives them. */
export const REFUSED = 'refused';
/** Its events and its values are too large for the log. */
const LARGE = 'large';
/** A function that the outcome of another one invokes, and the function of the members of batches. */
const CHILD = 'child';
export const MEMBER = 'member';
/** Receives the counts of each batch that is complete. */
const COLLECT = 'collect';

const plain = ['plain', 'retried', 'chained', 'posted'] as const;
/** The functions that single requests invoke, each as often as it stands here; large ones are rare, because three servers store each byte. */
export const FUNCTIONS: readonly string[] = [...repeated([...plain, ...Object.keys(FLOWS), REFUSED], 6), LARGE];

/** The schedules of the storm: each fires once a second, and an invocation may take longer than that. */
export const SCHEDULES = overlaps.filter((overlap) => overlap === 'skip' || overlap === 'queue');
const scheduledBy = (overlap: string): string => `fired-${overlap}`;

export const onBatchComplete: PolicyInput['onSuccess'] = [toFunction(COLLECT)];

/** What the judge expects of the functions of the storm: each writes its executions down, and some have limits, an order or a rate. */
export const expectedOfStorm: Readonly<Record<string, Expected>> = {
  ...Object.fromEntries([...FUNCTIONS, CHILD, MEMBER, COLLECT, ...SCHEDULES.map(scheduledBy)].map((name) => [name, {}])),
  keyed: { limit: FLOWS.keyed.concurrency, key: 'key', total: FLOWS.keyed.total },
  pooled: { limit: FLOWS.pooled.concurrency, pool: FLOWS.pooled.pool },
  neighbour: { limit: FLOWS.neighbour.concurrency, pool: FLOWS.neighbour.pool },
  ordered: { limit: FLOWS.ordered.concurrency, key: 'key', isFifo: true },
  urgent: { limit: FLOWS.urgent.concurrency },
  rated: { rate: { limit: FLOWS.rated.rate.limit, perInMs: 1_000, burst: FLOWS.rated.rate.burst, toleranceInMs: CLOCKS_DIFFER_BY_MS } },
};

type Options = { executions: string; receiverUrl: string };

/** Defines the functions and the schedules of a storm. */
export async function defineStorm(client: Client, { executions, receiverUrl }: Options): Promise<void> {
  const file = new URL('functions.mjs', import.meta.url).pathname;
  const put = (name: string, rest: Partial<FunctionDefinitionInput> = {}): Promise<unknown> =>
    client.functions.put({
      name,
      handler: { kind: 'process', file, export: 'record' },
      concurrency: 32,
      userData: { executions },
      ...rest,
    });
  const backoff = { initialInMs: 200, factor: 2, maxInMs: 2_000, jitter: 0.5 };
  for (const name of [CHILD, COLLECT, MEMBER, 'plain']) await put(name);
  await put('retried', { policy: { maxRetries: 3, backoff } });
  await put('chained', { policy: { onSuccess: [toFunction(CHILD)] } });
  await put('posted', { policy: { onSuccess: [{ destination: 'HTTP', param: { url: `${receiverUrl}/hook` } }] } });
  await put(REFUSED, { policy: { maxRetries: 0 }, maxPayloadBytes: 1_000_000 });
  await put(LARGE, { maxPayloadBytes: 1_000_000 });
  for (const name of Object.keys(FLOWS) as WithFlow[]) await put(name, { flow: FLOWS[name] });
  for (const overlap of SCHEDULES) {
    await put(scheduledBy(overlap));
    await client.schedules.put({
      name: overlap,
      cron: '* * * * * *',
      function: scheduledBy(overlap),
      event: '{"takesUpToMs":1500}',
      overlap,
    });
  }
}

/** Executions of a key overlap, if its limit lets them. */
const TAKES_UP_TO_MS = 20;

/** An event for a function. `count`: the number of the request. */
export function eventFor(name: string, count: number, random: () => number): object {
  const isLarge = name === LARGE || (name === REFUSED && count % 25 === 0);
  return {
    fails: name === REFUSED ? 'always' : name === 'retried' && count % 3 === 0 ? 'once' : 'never',
    key: `key-${Math.floor(random() * 10)}`,
    takesUpToMs: TAKES_UP_TO_MS,
    ...(isLarge ? { text: 'x'.repeat(300_000), returns: 'text' } : {}),
  };
}

function repeated<Item>(items: readonly Item[], times: number): Item[] {
  return Array.from({ length: times }, () => items).flat();
}
