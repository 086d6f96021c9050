import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { watchLosses } from '#src/core/log/losses/loss-watch.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createNatsEventLog } from '#src/nats/streams/log/event-log.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { deleteConsumer } from '#src/nats/transport/streams/consumers.ts';
import { workConsumer } from '#src/nats/wire/topology.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { describeLostTail } from '#test/contract/lost-tail.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { accept, newStream } from '#test/support/log/opened-log.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';

// Not the shared server, because its store is replaced.
let server: TestServer;
test.beforeAll(({ server: own }) => {
  server = own;
});

describeLostTail('on JetStream', async () => {
  const nats = await openNats(server.url);
  const { connection } = nats;
  const publisher = createPublisher(connection);
  const deaf = Object.create(connection, { onReconnect: { value: () => () => {} } }) as Connection;
  return {
    log: nats.ports.log,
    unaware: createNatsEventLog({ connection: deaf, publisher, clock: systemClock, budgetInMs: 5_000 }),
    keep: () => keep(connection),
    lose: () => lose(connection),
    async [Symbol.asyncDispose]() {
      publisher.close();
      await nats[Symbol.asyncDispose]();
    },
  };
});

test('a loss is found although other messages got the lost sequences at once (LOSS2)', async () => {
  await using nats = await openNats(server.url);
  const { connection, ports } = nats;
  const kept = await accept(ports.log, newStream());
  // The process compares only when the test moves the clock.
  const clock = createVirtualClock(Date.now());
  const compared = () => expect.poll(() => clock.nextAt).toBeLessThan(Number.POSITIVE_INFINITY);
  const book = createLossBook(createMemoryKeyValue());
  const file = { read: async () => undefined, write: async () => {} };
  const stop = new AbortController();
  const log = createNatsLogSource({ connection });
  watchLosses({ log, book, file, clock, logger: silentLogger, by: 'test', acknowledged: [ports.logEpoch], signal: stop.signal });
  await compared();
  await keep(connection);
  const lost = await accept(ports.log, newStream());
  await lose(connection);
  await using other = await openNats(server.url);
  for (let count = 0; count < 3; count++) await accept(other.ports.log, newStream());
  clock.moveTo(clock.now() + 1_000);
  await compared();
  stop.abort();
  expect(await book.list()).toMatchObject([{ keptUpTo: kept, lostUpTo: lost, why: expect.stringContaining(`message ${lost} of the log`) }]);
});

test('a consumer that is created again starts at its floor, but not at a floor from before a loss (MARK1)', async () => {
  // The lease outlasts the test: an item comes again only because its consumer starts at an earlier message.
  await using nats = await openNats(server.url, { leaseInMs: 60_000 });
  const { connection, ports } = nats;
  const durable = workConsumer(FLOORED);
  const request = (): Promise<number> => accept(ports.log, newStream(FLOORED));
  await keep(connection);

  const first = await request();
  const savedFloor = async (): Promise<number> => JSON.parse((await ports.state.get(`floor.${durable}`))?.value ?? '{"floor":0}').floor;
  // The worker saves its floor every five seconds.
  const isSaved = () => expect.poll(savedFloor, { timeout: 20_000 }).toBeGreaterThanOrEqual(first);
  expect(await takeUntil(first, nats, isSaved)).toEqual([first]);
  const saved: [key: string, value: string][] = [];
  for (const key of await ports.state.keys())
    if (key.startsWith(`floor.${durable}`)) saved.push([key, (await ports.state.get(key))?.value ?? '']);
  await deleteConsumer(connection.manager, durable);
  const second = await request();
  expect(await takeUntil(second, nats)).toEqual([second]);

  await lose(connection);
  // The server had written the bucket to the disk, and the end of the log not yet.
  for (const entry of saved) await ports.state.put(...entry);
  const again = [await request(), await request()];
  expect(again[0]).toBe(first);
  expect(await takeUntil(again[1] as number, nats)).toEqual(again);
});

const FLOORED = 'floored' as FunctionName;

/** Takes and acknowledges requests until one of them came, and something else happened. Returns all that were taken. */
async function takeUntil(last: number, { ports }: OpenedNats, other?: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  const stop = new AbortController();
  const { done } = ports.queue.run({
    source: { kind: 'function', name: FLOORED },
    demand: () => 10,
    onItem: (item) => {
      taken.push(item.request);
      item.ack();
    },
    signal: stop.signal,
  });
  await expect.poll(() => taken, { timeout: 10_000 }).toContain(last);
  await other?.();
  stop.abort();
  await done;
  return taken;
}

async function keep(connection: Connection): Promise<void> {
  await server.end();
  await replace(keptStore(server), store(server));
  await server.restart();
  await reconnected(connection);
}

async function lose(connection: Connection): Promise<void> {
  await server.kill();
  await replace(store(server), keptStore(server));
  await server.restart();
  await reconnected(connection);
}

async function reconnected(connection: Connection): Promise<void> {
  await expect.poll(() => connection.isConnected, { timeout: 10_000 }).toBe(true);
}

const store = ({ dataDir }: TestServer): string => join(dataDir, 'nats', 'jetstream');
const keptStore = ({ dataDir }: TestServer): string => join(dataDir, 'kept');

async function replace(target: string, source: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  await cp(source, target, { recursive: true });
}
