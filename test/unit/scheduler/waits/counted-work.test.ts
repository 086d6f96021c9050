import { describe, expect, test, vi } from 'vitest';
import { TwoKeyQueue } from '#src/scheduler/open/chunked-lists.ts';
import { StreamTable } from '#src/scheduler/open/stream-table.ts';
import { WaitingPool } from '#src/scheduler/waits/waiting-pool.ts';
import { type CrowdedPools, openCrowdedPools } from '#test/support/scheduler/crowded-pools.ts';
import { openWaitingLog } from '#test/support/scheduler/waiting-log.ts';

const EVENTS = 200;
const EACH = 4;
/** How much more work an event may be with ten times as many keys, functions or waiting requests. */
const MOST_GROWTH = 2;

/** How many looks at a waiting request, a stream or a key an event takes while the requests of all keys wait, and the longest entry. */
async function workOf(form: CrowdedPools): Promise<{ perEvent: number; entryBytes: number }> {
  const pools = openCrowdedPools(form);
  const count = form.keys * form.functions * EACH;
  for (let number = 0; number < count; number++) pools.enqueue(number);
  for (let turn = 0; turn < 50; turn++) {
    pools.turn();
    await new Promise(setImmediate);
  }
  const spies = [
    vi.spyOn(TwoKeyQueue.prototype, 'pop'),
    vi.spyOn(TwoKeyQueue.prototype, 'push'),
    vi.spyOn(StreamTable.prototype, 'find'),
    vi.spyOn(StreamTable.prototype, 'nameOf'),
    vi.spyOn(WaitingPool.prototype, 'takeReady'),
    vi.spyOn(WaitingPool.prototype, 'markReady'),
    vi.spyOn(WaitingPool.prototype, 'passOn'),
  ];
  pools.serve();
  for (let turn = 0; pools.started < EVENTS && turn < 10_000; turn++) {
    pools.turn();
    await new Promise(setImmediate);
  }
  const looks = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  vi.restoreAllMocks();
  pools.close();
  expect(pools.started).toBeGreaterThanOrEqual(EVENTS);
  return { perEvent: looks / pools.started, entryBytes: pools.longestEntry };
}

const keyed = { concurrency: 1, key: '$.key', total: 50 };
const small = { functions: 1, keys: 100, places: 64 };
const large = { ...small, keys: 1_000 };

describe('the work of an event does not grow', () => {
  test.for<[string, CrowdedPools, CrowdedPools]>([
    ['with the keys of a total', { flow: keyed, ...small }, { flow: keyed, ...large }],
    ['with the keys in order', { flow: { ...keyed, order: 'fifo' }, ...small }, { flow: { ...keyed, order: 'fifo' }, ...large }],
    [
      'with the requests of one rank',
      { flow: { concurrency: 20, order: 'priority' }, ...small },
      { flow: { concurrency: 20, order: 'priority' }, ...large },
    ],
    [
      'with the keys of a rate',
      { flow: { rate: { limit: 2, per: '1d' }, key: '$.key' }, ...small, keys: 400 },
      { flow: { rate: { limit: 2, per: '1d' }, key: '$.key' }, ...small, keys: 4_000 },
    ],
    [
      'with the functions of a pool that share their keys',
      { flow: { ...keyed, pool: 'shared' }, functions: 5, keys: 40, places: 8 },
      { flow: { ...keyed, pool: 'shared' }, functions: 50, keys: 40, places: 8 },
    ],
  ])('%s', async ([, fewer, more]) => {
    const [one, other] = [await workOf(fewer), await workOf(more)];
    process.stdout.write(`looks at an event: ${one.perEvent.toFixed(1)}, with ten times as many ${other.perEvent.toFixed(1)}\n`);
    expect(other.perEvent / one.perEvent).toBeLessThan(MOST_GROWTH);
    expect(other.entryBytes / one.entryBytes).toBeLessThan(MOST_GROWTH);
  });
});

test('an append to a message of 64 requests that wait costs the requests that it changes', () => {
  const log = openWaitingLog();
  const keys = Array.from({ length: 64 }, (_, index) => `key-${index}`);
  log.request('batch', true);
  log.waitAll('batch', keys);
  const spies = [vi.spyOn(TwoKeyQueue.prototype, 'push'), vi.spyOn(WaitingPool.prototype, 'markReady')];
  for (let started = 1; started < keys.length; started++)
    log.waitAll(
      'batch',
      keys.map((key, index) => (index < started ? '' : key)),
    );
  const looks = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  vi.restoreAllMocks();
  // The key of each request that started.
  expect(looks).toBeLessThan(keys.length);
});
