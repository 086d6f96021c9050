import { describe, expect, test } from 'vitest';
import { defineFunction } from '#src/client/define-function.ts';
import { type Flow, flowSchema, limitsOf } from '#src/core/functions/flow.ts';
import { rateOf } from '#src/core/functions/rate.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';

/** The places of the worker for each function, the keys, and the time of an execution. */
const PLACES = 20;
const KEYS = 12;
const EACH = 20;
const TAKES_MS = 100;
/** The share of the rate of its limits at which every flow runs. */
const SHARE = 0.9;
/** Tokens are given up to 50 ms after they came back, several in one write. */
const GATHERED_MS = 100;

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

/** All combinations of the values that a definition accepts. */
function acceptedFlows(): Flow[] {
  let combinations: Record<string, unknown>[] = [{}];
  for (const [field, options] of Object.entries(values))
    combinations = combinations.flatMap((one) => options.map((value) => (value === undefined ? one : { ...one, [field]: value })));
  return combinations.flatMap((one) => {
    const parsed = flowSchema.safeParse(one);
    return parsed.success ? [parsed.data] : [];
  });
}

/** How many executions follow each other when each round starts all requests that the limits allow, in their order. */
function roundsOf(
  { perKey = Number.POSITIVE_INFINITY, total = Number.POSITIVE_INFINITY }: ReturnType<typeof limitsOf>,
  flow: Flow,
  keys: readonly number[],
): number {
  // A pool counts its two functions together.
  const places = Math.min(flow.pool === undefined ? PLACES : 2 * PLACES, total);
  let rounds = 0;
  for (let left = [...keys]; left.length > 0; rounds++) {
    const started = new Map<number, number>();
    let free = places;
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

/** The time in which the limits of a flow let the requests end, in milliseconds. */
function shortestTimeOf(flow: Flow, keys: readonly number[]): number {
  const inRounds = roundsOf(limitsOf(flow), flow, keys) * TAKES_MS;
  if (flow.rate === undefined) return inRounds;
  const { limit, perInMs, burst } = rateOf(flow.rate);
  const ofBucket = flow.key === undefined ? keys.length : keys.length / KEYS;
  return Math.max(inRounds, (Math.max(0, ofBucket - burst) * perInMs) / limit + TAKES_MS) + GATHERED_MS;
}

let clock: TestSequent['clock'];

function functionsOf(flow: Flow) {
  const names = flow.pool === undefined ? ['one'] : ['one', 'other'];
  return names.map((name) =>
    defineFunction({ name, concurrency: PLACES, flow, handler: async (_: { key: string }) => await clock.sleep(TAKES_MS) }),
  );
}

/** Accepts a request of each key at one moment. Returns how long all of them take, in virtual time. */
async function timeToEnd(flow: Flow, keys: readonly number[]): Promise<number> {
  const functions = functionsOf(flow);
  await using system = await createTestSequent({ functions });
  clock = system.clock;
  const from = clock.now();
  for (const [number, key] of keys.entries()) await system.invoke(functions[number % functions.length]?.name ?? '', { key: `k${key}` });
  await system.runUntilIdle(60_000);
  expect(system.results().filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(keys.length);
  return clock.now() - from;
}

const text = (flow: Flow): string => JSON.stringify(flow).replaceAll('"', '');
const flows = acceptedFlows();
const undelayed = flows.filter(({ debounce }) => debounce === undefined);
const debounced = flows.filter(({ debounce }) => debounce !== undefined);
const inTurns = Array.from({ length: KEYS * EACH }, (_, number) => number % KEYS);
const oneAfterAnother = Array.from({ length: KEYS * EACH }, (_, number) => Math.floor(number / EACH));

describe('a flow runs at the rate that its limits allow', () => {
  test('in more than a hundred accepted combinations', () => {
    expect(flows.length).toBeGreaterThan(100);
  });

  test.for(undelayed.map((flow) => [text(flow), flow] as const))('with the keys in turns: %s', async ([, flow]) => {
    expect(await timeToEnd(flow, inTurns)).toBeLessThanOrEqual(shortestTimeOf(flow, inTurns) / SHARE);
  });

  test.for(undelayed.filter(({ key }) => key !== undefined).map((flow) => [text(flow), flow] as const))(
    'with one key after another: %s',
    async ([, flow]) => {
      // The last requests of a key may all be of one function, whose places they share.
      const tailInMs = flow.pool === undefined ? 0 : 2 * TAKES_MS;
      expect(await timeToEnd(flow, oneAfterAnother)).toBeLessThanOrEqual(shortestTimeOf(flow, oneAfterAnother) / SHARE + tailInMs);
    },
  );

  test.for(debounced.map((flow) => [text(flow), flow] as const))('after the wait of its groups: %s', async ([, flow]) => {
    const leaders = Array.from(
      { length: (flow.key === undefined ? 1 : KEYS) * (flow.pool === undefined ? 1 : 2) },
      (_, number) => number % KEYS,
    );
    // A group closes a moment after its wait, when the log is read beyond that.
    expect(await timeToEnd(flow, inTurns)).toBeLessThanOrEqual(1_100 + shortestTimeOf(flow, leaders) / SHARE);
  });
});
