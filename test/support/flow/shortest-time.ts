import { debounceOf } from '#src/core/functions/debounce.ts';
import { type Flow, flowSchema, limitsOf } from '#src/core/functions/flow.ts';
import { rateOf } from '#src/core/functions/rate.ts';

/** What runs in a flow: all requests are accepted at one moment, and each execution takes the same time. */
export type FlowWork = {
  /** The key of each request, in the order of the log. */
  keys: readonly number[];
  takesMs: number;
  /** How many attempts all workers together can run of the functions of the flow. */
  places: number;
};

const values = {
  concurrency: [undefined, 1, 3],
  key: [undefined, '$.key'],
  total: [undefined, 5, 50],
  pool: [undefined, 'shared'],
  rate: [undefined, { limit: 40, per: '1s', burst: 10 }],
  order: [undefined, 'fifo', 'priority'],
  onRetry: [undefined, 'pass'],
  debounce: [undefined, { wait: '1s', keep: 'all' }],
};

/** All combinations of the values of a flow that a definition accepts. `key`: where the key of an event is. */
export function acceptedFlows(key = '$.key'): Flow[] {
  let combinations: Record<string, unknown>[] = [{}];
  for (const [field, options] of Object.entries({ ...values, key: [undefined, key] }))
    combinations = combinations.flatMap((one) => options.map((value) => (value === undefined ? one : { ...one, [field]: value })));
  return combinations.flatMap((one) => {
    const parsed = flowSchema.safeParse(one);
    return parsed.success ? [parsed.data] : [];
  });
}

/** The time in which the limits of a flow and the places of the workers let the requests end, in milliseconds. Requests of a debounce are leaders. */
export function shortestTimeOf(flow: Flow, { keys, takesMs, places }: FlowWork): number {
  const inRounds = roundsOf(limitsOf(flow), keys, places) * takesMs;
  if (flow.rate === undefined) return inRounds;
  const { limit, perInMs, burst } = rateOf(flow.rate);
  const ofBucket = flow.key === undefined ? keys.length : Math.max(...countsOf(keys).values());
  return Math.max(inRounds, (Math.max(0, ofBucket - burst) * perInMs) / limit + takesMs);
}

/** How long a group of requests that are accepted at one moment waits. */
export function debounceWaitOf({ debounce }: Flow): number {
  return debounce === undefined ? 0 : debounceOf(debounce).waitInMs;
}

/** How many executions follow each other when each round starts all requests that the limits allow, in their order. */
function roundsOf(
  { perKey = Number.POSITIVE_INFINITY, total = Number.POSITIVE_INFINITY }: ReturnType<typeof limitsOf>,
  keys: readonly number[],
  places: number,
): number {
  const atOnce = Math.min(places, total);
  const counts = countsOf(keys);
  let rounds = 0;
  for (let left = [...keys]; left.length > 0; rounds++) {
    // Every round is full, so no walk over the requests is needed.
    if (perKey === Number.POSITIVE_INFINITY || counts.size === keys.length) return rounds + Math.ceil(left.length / atOnce);
    const started = new Map<number, number>();
    let free = atOnce;
    left = left.filter((key) => {
      const ofKey = started.get(key) ?? 0;
      if (free === 0 || ofKey >= perKey) return true;
      free--;
      started.set(key, ofKey + 1);
      return false;
    });
  }
  return rounds;
}

function countsOf(keys: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
