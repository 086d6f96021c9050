import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { verifyLog } from '#src/cli/history/verify-log.ts';
import { connectClient, type Transitions } from '#src/client/client.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { INVOCATIONS, RESULTS } from '#src/nats/wire/topology.ts';

import { type OpenedJanitor, openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { openProjectionOn } from '#test/support/projection/opened-projection.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

const DAY = 86_400_000;
let server: TestServer;
let root: string;

test.beforeEach(async ({ server: own, nats: _ }) => {
  server = own;
  root = await mkdtemp(join(tmpdir(), 'sequent-horizon-'));
  return () => rm(root, { recursive: true });
});

async function write(count: number): Promise<void> {
  await using nats = await openNats(server.url);
  await writeLog(nats.connection, count);
}

async function monitor<Answer>(path: string): Promise<Answer> {
  return (await (await fetch(`${server.monitorUrl}/${path}`)).json()) as Answer;
}

/** A clock that is ahead. No code waits by this clock. */
const aheadBy = (ms: number): Clock => ({ now: () => Date.now() + ms, sleep: systemClock.sleep });

async function verify({ archive, log, head }: OpenedJanitor) {
  const { created } = await log.state();
  return await verifyLog({ archive, source: log, log: created, head: await head() });
}

/** Accepts invocations together, and appends their end without a worker. */
async function finishBatch(count: number): Promise<void> {
  await using nats = await openNats(server.url);
  const { log } = nats.ports;
  const name = { function: 'orders' as FunctionName, stream: createStreamId(Date.now(), randomBytes(8)) };
  const requests = Array.from({ length: count }, () => ({ payload: '{}' }));
  const state = await loadStream(log, name, (await log.accept(name, requests)).sequence);
  if (state === undefined) throw new Error('the request was not accepted');
  let appends = 0;
  const writer = new StreamWriter({ log, state, by: 'w', appendId: () => `${name.stream}-${appends++}`, clock: systemClock });
  const failure = { kind: 'platform', errorType: 'Error', message: 'no', code: 1 } as const;
  const at = Date.now();
  const ids = [...state.invocations.keys()];
  await Promise.all(
    ids.map((invocation) =>
      writer.propose(invocation, [
        { type: 'failed', invocation, at, attempt: 0, condition: 'InvocationCanceled', failure },
        { type: 'notified', invocation, at },
      ]),
    ),
  );
}

describe('the log', () => {
  test('keeps about as many invocations as the retention says, also when they were accepted together', async () => {
    await Promise.all(Array.from({ length: 40 }, () => finishBatch(20)));
    await using opened = await openJanitorOn(server.url, root, { retention: { maxInvocations: 200 }, maxRemovable: 0 });
    await opened.janitor.work();
    const kept = 20 * (await opened.purge.streams());
    expect(kept).toBeGreaterThan(100);
    expect(kept).toBeLessThan(260);
    expect(await verify(opened)).toMatchObject({ findings: [], balance: { accepted: 800, settled: 800 } });
  });

  test('keeps what the retention says, also when the oldest were accepted together and the others alone', async () => {
    await Promise.all(Array.from({ length: 60 }, () => finishBatch(64)));
    await write(3_000);
    await using opened = await openJanitorOn(server.url, root, { retention: { maxInvocations: 8_000 }, maxRemovable: 0 });
    const { first, messages } = await opened.log.state();
    await opened.janitor.work();
    expect(await opened.log.state()).toMatchObject({ first, messages });

    // 1,840 invocations above the retention: those of 29 batches.
    await write(3_000);
    const streams = await opened.purge.streams();
    await opened.janitor.work();
    const removed = streams - (await opened.purge.streams());
    expect(removed).toBeGreaterThan(25);
    expect(removed).toBeLessThan(35);
    expect((await verify(opened)).balance).toMatchObject({ accepted: 9_840, settled: 9_840 });
  });

  test('costs the server one delivery for each archived message, few requests, and no consumer that stays', async () => {
    await write(8_000);
    await using nats = await openNats(server.url);
    const { manager } = nats.connection;
    const counts = async () => ({
      requests: (await monitor<{ api: { total: number } }>('jsz')).api.total,
      delivered: (await monitor<{ out_msgs: number }>('varz')).out_msgs,
      consumers: (await manager.consumers.list(INVOCATIONS).next()).length,
    });
    const before = await counts();
    await using opened = await openJanitorOn(server.url, root, { retention: { maxInvocations: 500 }, maxRemovable: 5_000 });
    await opened.janitor.work();
    const after = await counts();
    const archived = (await opened.head())?.last ?? 0;
    expect(archived).toBeGreaterThan(20_000);
    // The samples of the size of batches read a log of this length once more.
    expect((after.delivered - before.delivered) / archived).toBeLessThan(2.2);
    expect(after.requests - before.requests).toBeLessThan(400);
    expect(after.consumers).toBe(before.consumers);
  });

  test('refuses requests while it is full, loses none, and accepts again after the janitor purged', async () => {
    await write(400);
    await using client = await connectClient({ servers: server.url });
    await client.functions.put({ name: 'orders', handler: { kind: 'inline' } });
    const manager = await client.connection.nats.jetstreamManager();
    const { config, state } = await manager.streams.info(INVOCATIONS);
    await manager.streams.update(INVOCATIONS, { ...config, max_bytes: state.bytes + 100 });
    try {
      await expect(client.invoke('orders', { order: 1 })).rejects.toMatchObject({
        code: 'LOG_FULL',
        message: expect.stringMatching(/^the log accepts nothing more: .*maximum bytes/),
      });
      expect((await manager.streams.info(INVOCATIONS)).state).toMatchObject({ first_seq: 1, messages: state.messages });
      await using opened = await openJanitorOn(server.url, root, { retention: { maxInvocations: 100 }, maxRemovable: 0 });
      await opened.janitor.work();
      await client.invoke('orders', { order: 1 });
      expect((await verify(opened)).balance).toMatchObject({ accepted: 401, settled: 400, open: { queued: 1 } });
    } finally {
      await manager.streams.update(INVOCATIONS, { ...config, max_bytes: -1 });
    }
  });
});

describe('the results for subscribers', () => {
  test('are kept as long as the invocations', async () => {
    await using nats = await openNats(server.url);
    const manager = await nats.connection.nats.jetstreamManager();
    await manager.streams.purge(RESULTS);
    await Promise.all(Array.from({ length: 500 }, (_, i) => nats.connection.nats.jetstream().publish('result.orders.succeeded', `${i}`)));
    await using opened = await openJanitorOn(server.url, root, { retention: { maxInvocations: 100 } });
    await opened.janitor.work();
    expect((await manager.streams.info(RESULTS)).state.messages).toBe(100);
  });
});

/** Reads and acknowledges a number of transitions. */
async function take(transitions: Transitions, count: number): Promise<void> {
  let taken = 0;
  for await (const { ack } of transitions) {
    ack();
    if (++taken === count) break;
  }
}

describe('a durable subscriber', () => {
  test('that is behind blocks the purge for a day at most', async () => {
    await using client = await connectClient({ servers: server.url });
    const options = { durable: 'slow', from: 1, state: 'queued' } as const;
    await write(2_000);
    await take(client.transitions(options), 10);
    await using opened = await openJanitorOn(server.url, root, { retention: { maxInvocations: 10 }, maxRemovable: 0 });
    await opened.janitor.work();
    expect((await opened.log.state()).messages).toBe(6_000);
    await take(client.transitions(options), 1_490);
    await opened.janitor.work();
    const { messages } = await opened.log.state();
    expect(messages).toBeGreaterThan(1_000);
    expect(messages).toBeLessThan(5_000);
    await opened.janitor.stop();
    await opened.nats.ports.state.delete('janitor.lease');

    await using later = await openJanitorOn(server.url, root, {
      name: 'j-later',
      clock: aheadBy(2 * DAY),
      retention: { maxInvocations: 10 },
      maxRemovable: 0,
    });
    await later.janitor.work();
    expect((await later.log.state()).messages).toBeLessThan(100);
    expect(later.problems).toContain('a subscriber acknowledged nothing for a day: it no longer blocks the purge');
  });
});

describe('the read model', () => {
  test('removes invocations older than the history retention, and a rebuild removes the same ones', async () => {
    const folder = join(root, 'projection');
    const archive = join(root, 'archive');
    await write(300);
    await using opened = await openJanitorOn(server.url, archive, { retention: { maxInvocations: 10 }, maxRemovable: 0 });
    await opened.janitor.work();
    await opened.janitor.stop();
    const cut = Date.now() + 200;
    while (Date.now() <= cut) await new Promise((resolve) => setTimeout(resolve, 10));
    await write(50);

    await using projection = await openProjectionOn(server.url, folder, { archive });
    await projection.ready();
    expect(await projection.answers.count({ most: 10_000 })).toMatchObject({ count: 350 });
    const historyRetentionInMs = 2_400;
    const clock = { now: () => cut + historyRetentionInMs, sleep: systemClock.sleep };
    await using limiting = await openJanitorOn(server.url, archive, { name: 'j-limiting', clock, historyRetentionInMs });
    await limiting.nats.ports.state.delete('janitor.lease');
    await limiting.janitor.work();
    await projection.ready();
    expect(await projection.answers.count({ most: 10_000 })).toMatchObject({ count: 50 });
    expect((await projection.projection.check()).isEqual).toBe(true);
    // The erasure affects the read model only.
    expect(await verify(limiting)).toMatchObject({ findings: [], erased: 0, balance: { accepted: 350 } });
  });
});
