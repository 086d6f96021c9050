import { describe, expect, test } from 'vitest';
import { openCrowdedPools } from '#test/support/scheduler/crowded-pools.ts';

const flow = { concurrency: 1, key: '$.key', total: 50, pool: 'shared' };
const KEYS = 4;
const EACH = 4;
const TURN_MS = 100;

type Crowd = { functions: number; without: number; requests: readonly number[]; paused?: number };

/** How many turns the functions that have a worker need for all their requests. `without`: the functions that have none; `paused`: that are paused. */
async function turnsUntilAllEnd({ functions, without, requests, paused = 0 }: Crowd) {
  const pools = openCrowdedPools({ flow, functions, keys: KEYS, places: 8, paused });
  for (const number of requests) pools.enqueue(number);
  const wanted = requests.filter((number) => number % functions >= without).length;
  for (let turn = 0; turn < 20; turn++) {
    pools.turn();
    await new Promise(setImmediate);
  }
  pools.serve(without);
  let turns = 0;
  for (; pools.started < wanted && turns < 2_000; turns++) {
    pools.turn(TURN_MS);
    await new Promise(setImmediate);
  }
  pools.close();
  expect(pools.started).toBe(wanted);
  return turns;
}

describe('functions of a pool that share their keys', () => {
  const requests = Array.from({ length: 5 * KEYS * EACH }, (_, number) => number);

  test('get a free slot one after another, each when the one before leaves room', () => {
    const pools = openCrowdedPools({ flow, functions: 3, keys: 1, places: 8 });
    for (let number = 0; number < 3; number++) pools.enqueue(number);
    const [pool] = pools.streams.waiting.pools.values();
    for (let key = pool?.takeReady(); key !== undefined; key = pool?.takeReady()) pool?.share(key, 'equal');
    pool?.markKeyReady('customer-0');
    const turns: string[] = [];
    for (let key = pool?.takeReady(); key !== undefined && turns.length < 9; key = pool?.takeReady()) {
      turns.push(key.function);
      expect(pool?.readyCount).toBe(0);
      pool?.passOn(key);
    }
    pools.close();
    expect(turns).toEqual(['fn-0', 'fn-1', 'fn-2']);
  });

  test('end all of their requests', async () => {
    expect(await turnsUntilAllEnd({ functions: 5, without: 0, requests })).toBeLessThan(10 * 5 * EACH);
  });

  test('end all of their requests although each has only one for a key', async () => {
    const few = requests.filter((number) => number < 5 * KEYS);
    expect(await turnsUntilAllEnd({ functions: 5, without: 0, requests: few })).toBeLessThan(10 * 5);
  });

  test('are not held up by four that are paused', async () => {
    expect(await turnsUntilAllEnd({ functions: 5, without: 4, requests, paused: 4 })).toBeLessThan(10 * EACH);
  });

  test('are not held up by one that has no worker', async () => {
    expect(await turnsUntilAllEnd({ functions: 5, without: 1, requests })).toBeLessThan(10 * 5 * EACH);
  });

  test('are not held up by four that have no worker', async () => {
    expect(await turnsUntilAllEnd({ functions: 5, without: 4, requests })).toBeLessThan(10 * 5 * EACH);
  });
});
