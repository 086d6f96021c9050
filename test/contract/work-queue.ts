import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { WorkItem, WorkQueue } from '#src/core/stream/work-queue.ts';
import { accept, newStream } from '#test/support/log/opened-log.ts';

export interface OpenedWorkQueue extends AsyncDisposable {
  readonly log: EventLog;
  readonly hints: Hints;
  /** Its lease outlasts every wait of a test. An item that comes again comes for another reason. */
  readonly queue: WorkQueue;
  /** The same queue with a lease that a test waits for. A test that pauses may get an item more often than once. */
  readonly shortLeased: WorkQueue;
  /** Resolves when all items that were caused before have been delivered. */
  settle(): Promise<void>;
  /** Lets the lease of a newly delivered item of `shortLeased` expire. */
  endLease(): Promise<void>;
}

type TakeOptions = { queue?: WorkQueue; onItem?: (item: WorkItem) => void; demand?: () => number };

let functions = 0;
const newFunction = (): FunctionName => `contract${functions++}` as FunctionName;

/** The contract of a work queue. All tests may share one queue, because each uses its own functions. */
export function describeWorkQueue(title: string, open: () => Promise<OpenedWorkQueue>): void {
  describe(`the work queue ${title}`, () => {
    let opened: OpenedWorkQueue;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    /** Accepts items of a function until the test ends. */
    function take(name: FunctionName, options: TakeOptions = {}) {
      const { queue = opened.queue, onItem = (item) => item.ack(), demand = () => 100 } = options;
      const items: WorkItem[] = [];
      const stop = new AbortController();
      const subscription = queue.run({
        source: { kind: 'function', name },
        signal: stop.signal,
        demand,
        onItem: (item) => {
          items.push(item);
          onItem(item);
        },
      });
      return {
        items,
        pull: subscription.pull,
        async [Symbol.asyncDispose]() {
          stop.abort();
          await subscription.done;
        },
      };
    }
    const request = (name: FunctionName): Promise<number> => accept(opened.log, { ...newStream(), function: name });

    test('delivers every request of its function once, and none of another', async () => {
      const [name, another] = [newFunction(), newFunction()];
      const [before] = [await request(name), await request(another)];
      await using taken = take(name);
      const after = await request(name);
      await expect.poll(() => taken.items.map((item) => item.request)).toEqual([before, after]);
      expect(taken.items.map(({ isFirstDelivery }) => isFirstDelivery)).toEqual([true, true]);
      expect(taken.items[0]?.message).toEqual(await opened.log.readRequest(before ?? 0));
      expect(await opened.queue.deliveredUpTo(name)).toBe(after);
      expect(await opened.queue.deliveredUpTo(newFunction())).toBe(0);
    });

    test('delivers hints, and two hints of one id once', async () => {
      const name = { ...newStream(), function: newFunction() };
      await using taken = take(name.function);
      for (const id of ['same', 'same', 'another']) opened.hints.wake(name, 42, `${name.stream}.${id}`);
      await expect.poll(() => taken.items.length).toBe(2);
      expect(taken.items[0]).toMatchObject({ name, request: 42, isFirstDelivery: false });
      expect(taken.items[0]?.message).toBeUndefined();
      await opened.settle();
      expect(taken.items).toHaveLength(2);
    });

    test('redelivers an item that was not acknowledged within its lease', async () => {
      const name = newFunction();
      const sequence = await request(name);
      let comes = 0;
      await using taken = take(name, { queue: opened.shortLeased, onItem: (item) => (++comes > 1 ? item.ack() : undefined) });
      await expect.poll(() => taken.items.length).toBeGreaterThanOrEqual(1);
      await opened.endLease();
      await expect.poll(() => taken.items.length).toBeGreaterThanOrEqual(2);
      expect(taken.items[1]).toMatchObject({ request: sequence, isFirstDelivery: false });
    });

    test('redelivers an item whose consumer went away', async () => {
      const name = newFunction();
      await request(name);
      {
        await using gone = take(name, { queue: opened.shortLeased, onItem: () => {} });
        await expect.poll(() => gone.items.length).toBeGreaterThanOrEqual(1);
      }
      await using taken = take(name, { queue: opened.shortLeased });
      await opened.endLease();
      await expect.poll(() => taken.items.length).toBeGreaterThanOrEqual(1);
    });

    test('redelivers a released item at once', async () => {
      const name = newFunction();
      await request(name);
      let isReleased = false;
      await using taken = take(name, {
        onItem: (item) => {
          if (isReleased) return item.ack();
          isReleased = true;
          item.release();
        },
      });
      // The poll ends long before the lease.
      await expect.poll(() => taken.items.length).toBe(2);
    });

    test('redelivers a delayed item after its delay, not after its lease, unless it was acknowledged', async () => {
      const [soon, late, done] = [newFunction(), newFunction(), newFunction()];
      await using again = take(soon, { onItem: (item) => (again.items.length > 1 ? item.ack() : item.delayRedelivery(50)) });
      await using waiting = take(late, { onItem: (item) => item.delayRedelivery(3_600_000) });
      await using acknowledged = take(done, { onItem: (item) => item.delayRedelivery(50) });
      await Promise.all([request(soon), request(late), request(done)]);
      await expect.poll(() => [again, waiting, acknowledged].every(({ items }) => items.length > 0)).toBe(true);
      acknowledged.items.at(-1)?.ack();
      await opened.endLease();
      await expect.poll(() => again.items.length).toBe(2);
      await opened.settle();
      expect(waiting.items).toHaveLength(1);
      const count = acknowledged.items.length;
      await opened.endLease();
      await opened.settle();
      expect(acknowledged.items.length).toBe(count);
    });

    test('delivers no more items than the demand allows', async () => {
      const name = newFunction();
      for (let index = 0; index < 12; index++) await request(name);
      const held: WorkItem[] = [];
      await using taken = take(name, { demand: () => 5 - held.length, onItem: (item) => held.push(item) });
      await expect.poll(() => held.length).toBe(5);
      await opened.settle();
      expect(held).toHaveLength(5);
      for (const item of held.splice(0)) item.ack();
      taken.pull();
      await expect.poll(() => held.length).toBe(5);
      for (const item of held.splice(0)) item.ack();
      taken.pull();
      await expect.poll(() => held.length).toBe(2);
    });

    test('delivers nothing after it is done', async () => {
      const name = newFunction();
      const taken = take(name);
      await request(name);
      await expect.poll(() => taken.items.length).toBe(1);
      await taken[Symbol.asyncDispose]();
      await request(name);
      await opened.settle();
      expect(taken.items).toHaveLength(1);
    });
  });
}
