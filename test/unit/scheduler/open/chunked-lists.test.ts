import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TwoKeyQueue } from '#src/scheduler/open/chunked-lists.ts';

type Entry = { id: number; first: number; second: number };

/** Equal entries have no order among them. */
const sorted = (entries: readonly Entry[]): number[][] =>
  [...entries].sort((one, other) => one.first - other.first || one.second - other.second).map(({ first, second }) => [first, second]);

function popAll(queue: TwoKeyQueue): number[][] {
  const popped: number[][] = [];
  for (let { first, second } = queue; first !== undefined && second !== undefined; { first, second } = queue) {
    popped.push([first, second]);
    queue.pop();
  }
  return popped;
}

const entries = fc.array(fc.record({ id: fc.nat(50), first: fc.nat(3), second: fc.nat(20) }), { maxLength: 60 });

test('a queue with two keys pops in their order, also after every first key was changed', () => {
  fc.assert(
    fc.property(entries, fc.nat(7), (given, factor) => {
      const fill = (): TwoKeyQueue => {
        const queue = new TwoKeyQueue();
        for (const { id, first, second } of given) queue.push(id, first, second);
        return queue;
      };
      expect(popAll(fill())).toEqual(sorted(given));
      const keyOf = (id: number, second: number): number | undefined => (id % 5 === 0 ? undefined : (id * factor + second) % 11);
      const queue = fill();
      queue.rekey(keyOf);
      const left = given.flatMap((one) => {
        const first = keyOf(one.id, one.second);
        return first === undefined ? [] : [{ ...one, first }];
      });
      expect(queue.length).toBe(left.length);
      expect(popAll(queue)).toEqual(sorted(left));
    }),
  );
});
