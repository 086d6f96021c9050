import type { Fact } from '#machines/facts.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { type Flow, fifoOf, flowSchema, limitsOf } from '#src/core/functions/flow.ts';
import { rateOf } from '#src/core/functions/rate.ts';
import { findAboveRate, type OrderedFact } from '#test/support/log/flow-starts.ts';

/** A flow, and requests that keep it busy for some seconds. */
export type Combination = {
  /** The names of the functions that share the flow: two when they share a pool. */
  names: readonly string[];
  flow: Flow;
  /** How many keys the requests have in turns. */
  keys: number;
  requests: number;
};

const rate = { limit: 40, per: '1s', burst: 10 };
const given: readonly [FunctionDefinitionInput['flow'], number, number][] = [
  [{ concurrency: 1, key: '$.key', total: 10 }, 20, 200],
  [{ concurrency: 2, key: '$.key' }, 10, 400],
  [{ concurrency: 10 }, 1, 200],
  [{ concurrency: 5, pool: 'five' }, 1, 100],
  [{ rate }, 1, 170],
  [{ concurrency: 3, key: '$.key', rate: { limit: 10, per: '1s', burst: 10 } }, 4, 200],
  [{ concurrency: 1, key: '$.key', total: 10, order: 'fifo' }, 20, 200],
  [{ concurrency: 1, key: '$.key', total: 8, order: 'fifo', onRetry: 'pass', pool: 'eight' }, 16, 160],
  [{ concurrency: 8, order: 'priority', aging: '1s' }, 1, 160],
  [{ concurrency: 1, key: '$.key', total: 4, debounce: { wait: '1s', keep: 'all' } }, 60, 180],
];

/** Ten combinations of key, total, pool, rate, order and debounce. */
export const combinations: readonly Combination[] = given.map(([flow, keys, requests], number) => ({
  names: flow?.pool === undefined ? [`flow-${number}`] : [`flow-${number}`, `flow-${number}-other`],
  flow: flowSchema.parse(flow),
  keys,
  requests,
}));

/** The event of a request, and the function that gets it. */
export function requestOf({ names, keys }: Combination, number: number): { name: string; key: string } {
  return { name: names[number % names.length] ?? '', key: `key-${Math.floor(number / names.length) % keys}` };
}

/** The limits that the attempts of a combination exceeded by the log. The function and the key of each invocation are known by its request. */
export function findExceeded({ names, flow }: Combination, facts: readonly OrderedFact[], clocksDifferByMs: number): string[] {
  const requests = new Map<string, string>();
  const running = new Map<string, string>();
  const problems: string[] = [];
  const own: OrderedFact[] = [];
  for (const { fact, storedAt, payload } of facts) {
    const { invocation } = fact;
    if (fact.type === 'queued' && names.includes(fact.function)) requests.set(invocation, keyIn(flow, payload));
    const key = requests.get(invocation);
    if (key === undefined) continue;
    own.push(payload === undefined ? { fact, storedAt } : { fact, storedAt, payload: JSON.stringify({ key }) });
    if (fact.type === 'running') running.set(invocation, key);
    else if (freesSlot(flow, fact)) running.delete(invocation);
    const alike = [...running.values()].filter((other) => other === key).length;
    if (isAbove(flow, { all: running.size, alike })) problems.push(`${invocation} is one of ${running.size}, and of ${alike} of "${key}"`);
  }
  return [...problems, ...(flow.rate === undefined ? [] : findAboveRate(own, rateOf(flow.rate), clocksDifferByMs))];
}

function freesSlot(flow: Flow, { type }: Fact): boolean {
  return (type === 'retrying' && fifoOf(flow) !== 'hold') || type === 'succeeded' || type === 'failed';
}

function isAbove(flow: Flow, { all, alike }: { all: number; alike: number }): boolean {
  const { total = all, perKey = alike } = limitsOf(flow);
  return all > total || alike > perKey;
}

function keyIn({ key }: Flow, payload = '{}'): string {
  return key === undefined ? '' : ((JSON.parse(payload) as { key?: string }).key ?? '');
}
