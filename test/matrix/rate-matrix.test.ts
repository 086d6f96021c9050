import { describe, expect, test } from 'vitest';
import { defineFunction } from '#src/client/worker/define-function.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';
import { acceptedFlows, shortestTimeOf } from '#test/support/flow/shortest-time.ts';

/** The places of the worker for each function, the keys, and the time of an execution. */
const PLACES = 20;
const KEYS = 12;
const EACH = 20;
const TAKES_MS = 100;
/** The share of the rate of its limits at which every flow runs. */
const SHARE = 0.9;
/** Tokens are given up to 50 ms after they came back, several in one write. */
const GATHERED_MS = 100;

/** The time in which the limits of a flow let the requests end, in milliseconds. A pool counts its two functions together. */
function timeAllowedBy(flow: Flow, keys: readonly number[]): number {
  const places = flow.pool === undefined ? PLACES : 2 * PLACES;
  return shortestTimeOf(flow, { keys, takesMs: TAKES_MS, places }) + (flow.rate === undefined ? 0 : GATHERED_MS);
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
    expect(await timeToEnd(flow, inTurns)).toBeLessThanOrEqual(timeAllowedBy(flow, inTurns) / SHARE);
  });

  test.for(undelayed.filter(({ key }) => key !== undefined).map((flow) => [text(flow), flow] as const))(
    'with one key after another: %s',
    async ([, flow]) => {
      // The last requests of a key may all be of one function, whose places they share.
      const tailInMs = flow.pool === undefined ? 0 : 2 * TAKES_MS;
      expect(await timeToEnd(flow, oneAfterAnother)).toBeLessThanOrEqual(timeAllowedBy(flow, oneAfterAnother) / SHARE + tailInMs);
    },
  );

  test.for(debounced.map((flow) => [text(flow), flow] as const))('after the wait of its groups: %s', async ([, flow]) => {
    const leaders = Array.from(
      { length: (flow.key === undefined ? 1 : KEYS) * (flow.pool === undefined ? 1 : 2) },
      (_, number) => number % KEYS,
    );
    // A group closes a moment after its wait, when the log is read beyond that.
    expect(await timeToEnd(flow, inTurns)).toBeLessThanOrEqual(1_100 + timeAllowedBy(flow, leaders) / SHARE);
  });
});
