import { describe, expect, test } from 'vitest';
import type { Attempt } from '#src/core/flow/ledger-entry.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { WaitingAttempt, WaitingKey } from '#src/scheduler/waits/waiting-key.ts';
import { ORDERS, openWaitingLog, POOL, type WaitingLog } from '#test/support/scheduler/waiting-log.ts';

const all = (): boolean => true;
const streamOf = ({ stream }: WaitingAttempt): string => String(stream.name.stream);

function queueUp(keys: Readonly<Record<string, string>>, log = openWaitingLog()): WaitingLog {
  for (const stream of Object.keys(keys)) log.request(stream);
  for (const [stream, key] of Object.entries(keys)) log.wait(stream, key);
  return log;
}

/** The keys that are ready, which stay ready. */
function keysOf({ streams: { waiting } }: WaitingLog): WaitingKey[] {
  const pool = waiting.pools.get(POOL);
  const keys: WaitingKey[] = [];
  for (let key = pool?.takeReady(); key !== undefined; key = pool?.takeReady()) keys.push(key);
  for (const { id } of keys) pool?.markReady(id);
  return keys;
}
const firstOf = (log: WaitingLog, key: string, count = 10): string[] =>
  keysOf(log)
    .filter((one) => one.key === key)
    .flatMap((one) => one.first(count, all).map(streamOf));

describe('the streams that wait for a slot (SLOT6)', () => {
  test('are of their keys, in the order of their requests', () => {
    const log = openWaitingLog();
    for (const stream of ['one', 'two', 'three', 'four']) log.request(stream);
    for (const stream of ['three', 'one', 'four']) log.wait(stream, 'x');
    log.wait('two', 'y');
    expect(firstOf(log, 'x')).toEqual(['one', 'three', 'four']);
    expect(firstOf(log, 'x', 1)).toEqual(['one']);
    expect(firstOf(log, 'y')).toEqual(['two']);
  });

  test('are announced when they begin to wait, and when they wait no longer', () => {
    const announced: string[] = [];
    const log = openWaitingLog((pool, name) => announced.push(`${pool} ${name}`));
    queueUp({ one: 'x', two: 'x' }, log);
    log.wait('one', 'x');
    expect(announced).toEqual([`${POOL} orders`, `${POOL} orders`]);
    log.start('two');
    expect(announced).toHaveLength(3);
  });

  test('leave their key when they wait no longer, and the pool with the last one', () => {
    const log = queueUp({ one: 'x', two: 'x', three: 'y' });
    log.start('one');
    expect(firstOf(log, 'x')).toEqual(['two']);
    log.start('two');
    expect(keysOf(log).map(({ key }) => key)).toEqual(['y']);
    log.settle('three');
    expect(keysOf(log)).toEqual([]);
    expect(log.streams.waiting.pools.has(POOL)).toBe(false);
  });

  test('leave their key also after they were among its first ones', () => {
    const log = queueUp({ one: 'x', two: 'x' });
    expect(firstOf(log, 'x')).toEqual(['one', 'two']);
    log.start('one');
    expect(firstOf(log, 'x')).toEqual(['two']);
  });

  test('wait with their next attempt after a retry, once', () => {
    const log = queueUp({ one: 'x' });
    expect(firstOf(log, 'x')).toEqual(['one']);
    log.start('one');
    log.wait('one', 'x', 2);
    const places = keysOf(log).flatMap((key) => key.first(10, all));
    expect(places.map(({ wait }) => wait.attempt)).toEqual([2]);
  });

  test('are not confused with a stream that had the same record before', () => {
    const log = queueUp({ one: 'x', two: 'x' });
    log.settle('one');
    log.request('three');
    log.wait('three', 'y');
    expect(firstOf(log, 'x')).toEqual(['two']);
    expect(firstOf(log, 'y')).toEqual(['three']);
    log.wait('three', 'x');
    expect(firstOf(log, 'x')).toEqual(['two', 'three']);
  });

  test('keep the place of their own request when they have the record of an earlier one', () => {
    const log = queueUp({ one: 'x', two: 'x' });
    log.settle('one');
    log.request('three');
    log.wait('three', 'x');
    expect(firstOf(log, 'x')).toEqual(['two', 'three']);
  });

  test('are found behind an entry of an earlier stream, which had the same record', () => {
    const log = openWaitingLog();
    log.request('one');
    log.wait('one', 'x');
    log.settle('one');
    log.request('two');
    log.wait('two', 'x');
    log.request('three');
    log.wait('three', 'x');
    expect(firstOf(log, 'x')).toEqual(['two', 'three']);
  });

  test('are of one key at a time, once each', () => {
    const log = queueUp({ one: 'x', two: 'x' });
    expect(firstOf(log, 'x')).toEqual(['one', 'two']);
    log.wait('one', 'y');
    log.wait('one', 'x');
    expect(firstOf(log, 'x')).toEqual(['one', 'two']);
    log.wait('one', 'y');
    expect(firstOf(log, 'x')).toEqual(['two']);
    expect(firstOf(log, 'y')).toEqual(['one']);
    log.wait('one', 'x');
    log.wait('one', 'y');
    expect(firstOf(log, 'x')).toEqual(['two']);
  });

  test('stay in their places while others are wanted', () => {
    const log = queueUp({ one: 'x', two: 'x', three: 'x' });
    const [key] = keysOf(log);
    expect(key?.first(2, (place) => streamOf(place) !== 'two').map(streamOf)).toEqual(['one', 'three']);
    expect(key?.first(1, (place) => streamOf(place) !== 'one').map(streamOf)).toEqual(['two']);
    expect(key?.first(3, all).map(streamOf)).toEqual(['one', 'two', 'three']);
  });

  test('are found by their attempts, and by an earlier attempt of the same invocation', () => {
    const log = queueUp({ one: 'x' });
    const { waiting } = log.streams;
    const attempt: Attempt = { key: 'x', function: ORDERS, invocation: 'one', attempt: 1, request: 1 };
    expect(waiting.find(POOL, attempt)?.request).toBe(1);
    expect(waiting.find(POOL, { ...attempt, attempt: 2 })).toBeUndefined();
    expect(waiting.find('pool.erp' as PoolId, attempt)).toBeUndefined();
    expect(waiting.find(POOL, { ...attempt, invocation: 'two' })).toBeUndefined();
    expect(waiting.findNext(POOL, attempt)).toBeUndefined();
    log.wait('one', 'x', 2);
    expect(waiting.findNext(POOL, attempt)).toEqual({ ...attempt, attempt: 2 });
  });
});

test('a key that had its turn is ready again after something happened, and comes after the other keys', () => {
  const log = queueUp({ one: 'x', two: 'y', three: 'z', four: 'x' });
  const pool = log.streams.waiting.pools.get(POOL);
  expect(pool?.takeReady()?.key).toBe('x');
  expect(pool?.readyCount).toBe(2);
  log.start('one');
  expect(keysOf(log).map(({ key }) => key)).toEqual(['y', 'z', 'x']);
});
