import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { childIdOf, deliveryIdOf, redriveIdOf } from '#src/core/names/delivery-ids.ts';
import { canBeBrought, createStreamId } from '#src/core/names/ids.ts';
import { isRequestId } from '#src/core/names/names.ts';

const present = (invocation: string) => ({ invocation }) as const;
const longest = { function: `${'p'.repeat(64)}=${'f'.repeat(60)}`, id: 'i'.repeat(64), destination: 'functiongraph-15' };

describe('the id of a delivery', () => {
  test('differs when the function, its project, the invocation or the destination differs (DLV1)', () => {
    const part = fc.constantFrom('a', 'b', 'x=a', 'x=b', 'functiongraph-0', 'http-0');
    const names = fc.tuple(part, part, part);
    const property = fc.property(names, names, (one, other) => {
      const [first, second] = [one, other].map(([fn, id, destination]) => deliveryIdOf(fn, present(id), destination));
      expect(first === second).toBe(one.join() === other.join());
    });
    fc.assert(property);
  });

  test('of the longest names is a header of moderate length, without a character that signatures separate by', () => {
    const id = deliveryIdOf(longest.function, present(longest.id), longest.destination);
    expect(id.length).toBeLessThanOrEqual(256);
    expect(id).toMatch(/^[A-Za-z0-9_=/-]+$/);
  });
});

describe('the id of a child', () => {
  test('is one id for all tries, cannot be brought, and keeps the time of its parent (H8)', () => {
    const parent = createStreamId(Date.UTC(2026, 0, 1), new Uint8Array(8));
    const child = childIdOf(deliveryIdOf('orders', present(parent), 'functiongraph-0'));
    expect(childIdOf(deliveryIdOf('orders', present(parent), 'functiongraph-0'))).toBe(child);
    expect([canBeBrought(child), child.slice(0, 15)]).toEqual([false, `${parent.slice(0, 13)}-8`]);
    expect(isRequestId(childIdOf(deliveryIdOf(longest.function, present(longest.id), longest.destination)))).toBe(true);
  });

  test('never equals the id of a redrive, also when the parent is named "redrive"', () => {
    expect(redriveIdOf('order-1', 1)).not.toBe(childIdOf(deliveryIdOf('redrive', present('order-1'), 'functiongraph-1')));
  });
});
