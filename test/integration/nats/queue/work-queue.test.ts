import { readFileSync } from 'node:fs';
import { AckPolicy } from 'nats';
import { describe, expect } from 'vitest';
import type { FunctionName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { WorkItem, WorkQueue } from '#src/core/stream/work-queue.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { deleteConsumer } from '#src/nats/transport/streams/consumers.ts';
import { INVOCATIONS, workConsumer } from '#src/nats/wire/topology.ts';
import { describeWorkQueue } from '#test/contract/work-queue.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { accept, newStream } from '#test/support/log/opened-log.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';
import { eventOf } from '#test/support/payloads/large-event.ts';

// Not the shared server, because the test kills it.
let server: TestServer;
let nats: OpenedNats;
test.beforeAll(({ server: ownServer, nats: ownNats }) => {
  server = ownServer;
  nats = ownNats;
});

/** With this lease, no item comes again because this process or the server stood still for seconds. */
const LONG_LEASE = { leaseInMs: 60_000 };

let functions = 0;
const newFunction = (): FunctionName => `fn${functions++}` as FunctionName;

type TakeOptions = { queue?: WorkQueue; slots?: () => number; onItem?: (item: WorkItem) => void };

/** Accepts items of a function until the test ends. `slots` is the maximum of items in progress. */
function take(name: FunctionName, options: TakeOptions = {}) {
  const { queue = nats.ports.queue, slots = () => 100, onItem = (item) => item.ack() } = options;
  const items: WorkItem[] = [];
  const stop = new AbortController();
  const subscription = queue.run({
    source: { kind: 'function', name },
    signal: stop.signal,
    demand: slots,
    onItem: (item) => {
      items.push(item);
      onItem(item);
    },
  });
  return {
    items,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await subscription.done;
    },
  };
}

const requestsOf = (items: readonly WorkItem[]): number[] => items.map(({ request }) => request);

describeWorkQueue('on JetStream', async () => {
  const { ports, connection, ...mine } = await openNats(server.url, LONG_LEASE);
  const shortLeased = await openNats(server.url);
  return {
    ...ports,
    shortLeased: shortLeased.ports.queue,
    // The server has answered everything that was asked before this.
    settle: () => connection.nats.flush(),
    // The server keeps the time, so a wait for the item is a wait for this time too.
    endLease: async () => {},
    async [Symbol.asyncDispose]() {
      await shortLeased[Symbol.asyncDispose]();
      await mine[Symbol.asyncDispose]();
    },
  };
});

describe('the work queue', () => {
  test('redelivers an item that was not acknowledged within its lease, but not while its lease is extended', async () => {
    const name = newFunction();
    const request = await accept(nats.ports.log, { ...newStream(), function: name });
    const { leaseInMs } = nats.ports.queue;
    let beating: Promise<void> | undefined;
    let backAt = 0;
    // The present lease began at this time or later.
    let leasedAt = performance.now();
    // The longest time from the beginning of a lease to the server's answer after its extension.
    let longestGap = 0;
    /** Extends the lease of 1 s for another 2 s. */
    async function beat(item: WorkItem): Promise<void> {
      for (let left = 6; left > 0; left--) {
        await systemClock.sleep(330);
        const sentAt = performance.now();
        item.working();
        await nats.connection.nats.flush();
        longestGap = Math.max(longestGap, performance.now() - leasedAt);
        leasedAt = sentAt;
      }
    }
    await using taken = take(name, {
      onItem: (item) => {
        if (beating === undefined) {
          beating = beat(item);
          return;
        }
        backAt ||= performance.now();
        item.ack();
      },
    });
    await expect.poll(() => taken.items.length).toBeGreaterThanOrEqual(2);
    await beating;
    // A process or a server that stood still for longer than the lease did not extend it in time.
    if (longestGap < leaseInMs) expect(backAt - leasedAt).toBeGreaterThan(leaseInMs - 50);
    expect(new Set(requestsOf(taken.items))).toEqual(new Set([request]));
    expect(taken.items[1]?.isFirstDelivery).toBe(false);
  });

  test('delivers a part of the requested items when they are larger than the items before', async () => {
    const name = newFunction();
    await using longLeased = await openNats(server.url, LONG_LEASE);
    let slots = 512;
    await using taken = take(name, { queue: longLeased.ports.queue, slots: () => slots });
    await accept(nats.ports.log, { ...newStream(), function: name });
    await expect.poll(() => taken.items.length).toBe(1);
    slots = 0;
    const payload = eventOf(40_000);
    for (let index = 0; index < 10; index++) await accept(nats.ports.log, { ...newStream(), function: name }, { payload });
    await expect.poll(() => taken.items.length).toBe(7);
    await longLeased.connection.nats.flush();
    expect(taken.items.length).toBe(7);
  });

  test('continues when its consumer is deleted: every item is delivered, some of them twice', async () => {
    const name = newFunction();
    const manager = await nats.connection.nats.jetstreamManager();
    await using taken = take(name);
    const accepted: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 5; index++) accepted.push(await accept(nats.ports.log, { ...newStream(), function: name }));
      await expect.poll(() => new Set(requestsOf(taken.items)).size, { timeout: 8_000 }).toBe(accepted.length);
      await deleteConsumer(manager, workConsumer(name));
    }
    expect([...new Set(requestsOf(taken.items))].sort((a, b) => a - b)).toEqual(accepted);
  });

  test('continues when the server is killed and restarted: no accepted request is lost', async () => {
    const name = newFunction();
    await using taken = take(name);
    const accepted: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 20; index++) accepted.push(await accept(nats.ports.log, { ...newStream(), function: name }));
      if (round === 2) break;
      await server.kill();
      await server.restart();
    }
    await expect.poll(() => new Set(requestsOf(taken.items)).size, { timeout: 15_000 }).toBe(accepted.length);
  });

  test('drains an old backlog at less than five times the cost of one filter to the server', async () => {
    // Other work of the machine makes single drains dearer, so the median of three counts.
    const ratios: number[] = [];
    await using longLeased = await openNats(server.url, LONG_LEASE);
    for (let round = 0; round < 3; round++) ratios.push(await drainBacklog(longLeased));
    expect(ratios.sort((one, other) => one - other)[1]).toBeLessThan(5);
  }, 180_000);
});

const BACKLOG = 20_000;

/** In milliseconds. */
function processorTimeOf(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number);
  return (user + system) * 10;
}

/** What the server spends on a backlog that the work queue drains, as a multiple of what a consumer with one filter costs. */
async function drainBacklog({ connection, ports }: OpenedNats): Promise<number> {
  const name = newFunction();
  const publisher = createPublisher(connection, { timeoutInMs: 30_000 });
  const payload = JSON.stringify('x'.repeat(100));
  await Promise.all(Array.from({ length: BACKLOG }, () => publisher.publish(subjects.invoke(name), payload)));
  publisher.close();
  // A server that has just started has no block of the stream in memory.
  const cold = async (read: () => Promise<unknown>): Promise<number> => {
    await server.end();
    await server.restart();
    await expect.poll(() => connection.isConnected, { timeout: 15_000 }).toBe(true);
    const before = processorTimeOf(server.pid);
    await read();
    return processorTimeOf(server.pid) - before;
  };
  const ofOneFilter = await cold(async () => {
    const { jetstream, manager } = connection;
    const consumer = `one-filter-${name}`;
    const filter = { durable_name: consumer, filter_subject: subjects.invoke(name), ack_policy: AckPolicy.Explicit };
    await manager.consumers.add(INVOCATIONS, { ...filter, max_ack_pending: BACKLOG });
    let read = 0;
    for await (const message of await (await jetstream.consumers.get(INVOCATIONS, consumer)).consume({ max_messages: 500 })) {
      message.ack();
      if (++read === BACKLOG) break;
    }
  });
  const ofWorkQueue = await cold(async () => {
    await using taken = take(name, { queue: ports.queue, slots: () => 500 });
    await expect.poll(() => taken.items.length, { timeout: 60_000 }).toBe(BACKLOG);
  });
  return ofWorkQueue / ofOneFilter;
}
