import { expect, test } from 'vitest';
import type { Waiter } from '#src/core/flow/ledger-entry.ts';
import { openCrowdedPools } from '#test/support/scheduler/crowded-pools.ts';

const KEYS = 300;
const EACH = 2;
const TURN_MS = 100;

/** More keys than an entry has waiters. The first 40 are listed with two requests each. */
const requests = Array.from({ length: KEYS * EACH }, (_, number) => number);
const first = requests.filter((number) => number % KEYS < 40);
const others = requests.filter((number) => number % KEYS >= 40);

// Whether the scheduler writes before or after the worker differs with the number of event loop turns.
const cases = [3, 5].flatMap((steps) =>
  [
    { places: 1, watchedEach: 0 },
    { places: 20, watchedEach: 7 },
  ].map((given) => ({ steps, ...given })),
);

test.each(cases)('keys keep their order when $places places stand still, $steps steps', async ({ steps, ...given }) => {
  const flow = { concurrency: 1, key: '$.key', order: 'fifo' } as const;
  const orders = new Map<string, number[]>();
  const onStart = ({ key, request }: Waiter): void => void orders.set(key, [...(orders.get(key) ?? []), request]);
  const pools = openCrowdedPools({ flow, functions: 1, keys: KEYS, ...given, onStart });
  const turn = async (passedInMs: number): Promise<void> => {
    pools.turn(passedInMs);
    for (let step = 0; step < steps; step++) await new Promise(setImmediate);
  };
  for (const number of first) pools.enqueue(number);
  for (let count = 0; count < 5; count++) await turn(TURN_MS);
  for (const number of others) pools.enqueue(number);
  pools.serve();
  await turn(0);
  // Longer than a waiter keeps its place when no worker starts it.
  await turn(3_000);
  for (let count = 0; count < 40 * requests.length && pools.started < requests.length; count++) await turn(TURN_MS);
  pools.close();
  expect(pools.started).toBe(requests.length);
  expect([...orders.values()].filter((order) => order.join() !== order.toSorted((one, other) => one - other).join())).toEqual([]);
});
