import { describe, expect, test } from 'vitest';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { createParking } from '#src/destinations/limits/parking.ts';
import { createTargetLimiter } from '#src/destinations/limits/target-limiter.ts';

const options = (stream: string) => ({ stream, slots: 1 });
const item = (stream: string): WorkItem => ({
  name: { function: 'orders' as FunctionName, stream: stream as StreamId },
  request: 1,
  sequence: 1,
  isFirstDelivery: false,
  ack: () => {},
  working: () => {},
  release: () => {},
  delayRedelivery: () => {},
});

describe('the limit of a target', () => {
  test('gives a released slot to the waiter that came first', async () => {
    const limiter = createTargetLimiter({ maxWaiting: 2, onCapacity: () => false });
    const release = await limiter.acquire('a', options('1'));
    const order: string[] = [];
    const second = limiter.acquire('a', options('2')).then((releaseSlot) => {
      order.push('2');
      return releaseSlot;
    });
    const third = limiter.acquire('a', options('3')).then((releaseSlot) => {
      order.push('3');
      return releaseSlot;
    });
    release?.();
    (await second)?.();
    (await third)?.();
    expect(order).toEqual(['2', '3']);
  });

  test('refuses a further stream when it is full, and accepts another delivery of a waiting stream', async () => {
    const withCapacity: string[] = [];
    const limiter = createTargetLimiter({ maxWaiting: 1, onCapacity: (limitKey) => withCapacity.push(limitKey) > 1 });
    const release = await limiter.acquire('a', options('1'));
    const second = limiter.acquire('a', options('2'));
    const again = limiter.acquire('a', options('2'));
    expect(await limiter.acquire('a', options('3'))).toBeUndefined();
    expect(limiter.capacityOf('a')).toBe(0);
    release?.();
    (await second)?.();
    expect(withCapacity).toEqual(['a']);
    (await again)?.();
  });

  test('does not apply to other limit keys', async () => {
    const limiter = createTargetLimiter({ maxWaiting: 0, onCapacity: () => false });
    await limiter.acquire('dead', options('1'));
    expect(await limiter.acquire('dead', options('2'))).toBeUndefined();
    expect(await limiter.acquire('healthy', options('2'))).toBeDefined();
  });
});

describe('many slow targets together', () => {
  test('never take all places for tries: a further target finds a slot at once', () => {
    const limiter = createTargetLimiter({ maxWaiting: 200, places: { tries: 100, waiting: 100 }, onCapacity: () => false });
    const slots = Array.from({ length: 20 }, (_, target) => {
      let taken = 0;
      while (taken < 32 && limiter.tryAcquire(`slow-${target}`, 32) !== undefined) taken++;
      return taken;
    });
    expect(slots[0]).toBe(32);
    expect(Math.min(...slots)).toBeGreaterThanOrEqual(1);
    expect(slots.reduce((sum, taken) => sum + taken)).toBeLessThan(120);
    expect(limiter.tryAcquire('healthy', 32)).toBeDefined();
  });

  test('never take all places for waiting streams, and each may have one waiting stream', async () => {
    const limiter = createTargetLimiter({ maxWaiting: 200, places: { tries: 1_000, waiting: 100 }, onCapacity: () => false });
    const releases: (() => void)[] = [];
    const waiting: Promise<unknown>[] = [];
    for (let target = 0; target < 10; target++) {
      releases.push((await limiter.acquire(`slow-${target}`, options('first'))) ?? (() => {}));
      while (limiter.capacityOf(`slow-${target}`) > 0) waiting.push(limiter.acquire(`slow-${target}`, options(`${waiting.length}`)));
      expect(await limiter.acquire(`slow-${target}`, options('too many'))).toBeUndefined();
    }
    expect(waiting.length).toBeGreaterThan(50);
    expect(limiter.capacityOf('healthy')).toBeGreaterThanOrEqual(1);
    for (const release of releases) release();
    await waiting[0];
  });

  test('a limit key takes further parked streams with each release until none is parked', async () => {
    let parked = 3;
    const limiter = createTargetLimiter({ maxWaiting: 1, onCapacity: () => --parked > 0 });
    const first = await limiter.acquire('a', options('1'));
    const second = limiter.acquire('a', options('2'));
    expect(await limiter.acquire('a', options('3'))).toBeUndefined();
    first?.();
    (await second)?.();
    (await limiter.acquire('a', options('4')))?.();
    expect(parked).toBe(0);
  });
});

describe('parking', () => {
  test('asks for at most some hundred redeliveries a second, however many streams are parked', () => {
    const parking = createParking(() => 0.5);
    let delayInMs = 0;
    const parked = 30_000;
    for (let count = 0; count < parked; count++) {
      const one = item(`${count}`);
      parking.park(one.name, 'dead');
      const delayRedelivery = (inMs: number): void => {
        delayInMs = inMs;
      };
      parking.hold({ ...one, delayRedelivery });
    }
    expect(delayInMs).toBe((parked / 100) * 1_000);
  });

  test('keeps the latest items of a stream without their state, and returns streams in the order of parking', () => {
    const parking = createParking();
    for (const stream of ['1', '2', '3']) {
      parking.park(item(stream).name, 'a');
      parking.hold({ ...item(stream), state: {} as never });
    }
    for (let i = 0; i < 5; i++) parking.hold(item('1'));
    const taken = parking.take('a', 2);
    expect(taken.map(({ name }) => name.stream)).toEqual(['1', '1', '2']);
    expect(taken.some(({ state }) => state !== undefined)).toBe(false);
    expect(parking.limitKeyOf(item('1').name)).toBeUndefined();
    expect(parking.limitKeyOf(item('3').name)).toBe('a');
  });

  test('keeps no item of a stream that is not parked', () => {
    const parking = createParking();
    parking.hold(item('1'));
    expect(parking.take('a', 10)).toEqual([]);
  });
});

test('parked items are redelivered after 30 to 90 s instead of their lease, not all at once', () => {
  const delays: number[] = [];
  for (const random of [0, 0.25, 0.999]) {
    const parking = createParking(() => random);
    const waiting = { ...item('a'), delayRedelivery: (inMs: number) => void delays.push(inMs) };
    // The stream is not parked yet, so this item keeps its lease.
    parking.hold(waiting);
    parking.park(waiting.name, 'slow');
    parking.hold(waiting);
  }
  expect(delays).toEqual([30_000, 45_000, 89_940]);
});
