import { describe, expect, test } from 'vitest';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { createParking } from '#src/destinations/parking.ts';
import { createTargetLimiter } from '#src/destinations/target-limiter.ts';

const options = (stream: string) => ({ stream, atOnce: 1 });
const item = (stream: string): WorkItem => ({
  name: { function: 'orders' as FunctionName, stream: stream as StreamId },
  request: 1,
  isFirstDelivery: false,
  ack: () => {},
  working: () => {},
  release: () => {},
  putOff: () => {},
});

describe('a place', () => {
  test('lets the next one in when one leaves, in the order in which they came', async () => {
    const limiter = createTargetLimiter({ waiting: 2, onCapacity: () => {} });
    const leave = await limiter.enter('a', options('1'));
    const order: string[] = [];
    const second = limiter.enter('a', options('2')).then((left) => {
      order.push('2');
      return left;
    });
    const third = limiter.enter('a', options('3')).then((left) => {
      order.push('3');
      return left;
    });
    leave?.();
    (await second)?.();
    (await third)?.();
    expect(order).toEqual(['2', '3']);
  });

  test('sends a stream away when too many wait, but not another delivery of one that waits', async () => {
    const rooms: string[] = [];
    const limiter = createTargetLimiter({ waiting: 1, onCapacity: (place) => rooms.push(place) });
    const leave = await limiter.enter('a', options('1'));
    const second = limiter.enter('a', options('2'));
    const again = limiter.enter('a', options('2'));
    expect(await limiter.enter('a', options('3'))).toBeUndefined();
    expect(limiter.capacityOf('a')).toBe(0);
    leave?.();
    (await second)?.();
    expect(rooms).toEqual(['a']);
    (await again)?.();
  });

  test('keeps nobody from another place', async () => {
    const limiter = createTargetLimiter({ waiting: 0, onCapacity: () => {} });
    await limiter.enter('dead', options('1'));
    expect(await limiter.enter('dead', options('2'))).toBeUndefined();
    expect(await limiter.enter('healthy', options('2'))).toBeDefined();
  });
});

describe('parking', () => {
  test('keeps the latest deliveries of a stream without what is known of it, and gives them out in order', () => {
    const parking = createParking();
    for (const stream of ['1', '2', '3']) {
      parking.note(item(stream).name, 'a');
      parking.hold({ ...item(stream), state: {} as never });
    }
    for (let i = 0; i < 5; i++) parking.hold(item('1'));
    const taken = parking.take('a', 2);
    expect(taken.map(({ name }) => name.stream)).toEqual(['1', '1', '2']);
    expect(taken.some(({ state }) => state !== undefined)).toBe(false);
    expect(parking.limitKeyOf(item('1').name)).toBeUndefined();
    expect(parking.limitKeyOf(item('3').name)).toBe('a');
  });

  test('keeps nothing of a stream that waits for no place', () => {
    const parking = createParking();
    parking.hold(item('1'));
    expect(parking.take('a', 10)).toEqual([]);
  });
});

test('what waits outside comes again within minutes and not with its lease, not all of it at once', () => {
  const delays: number[] = [];
  for (const random of [0, 0.25, 0.999]) {
    const parking = createParking(() => random);
    const waiting = { ...item('a'), putOff: (inMs: number) => void delays.push(inMs) };
    // It does not wait for a place, so it is left alone.
    parking.hold(waiting);
    parking.note(waiting.name, 'slow');
    parking.hold(waiting);
  }
  expect(delays).toEqual([30_000, 45_000, 89_940]);
});
