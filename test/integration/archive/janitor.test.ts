import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { projectionKey } from '#src/archive/retention/reader-positions.ts';
import { verifyLog } from '#src/cli/history/verify-log.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';

import { type OpenedJanitor, openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { test } from '#test/support/fixtures.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { openProjectionOn } from '#test/support/projection/opened-projection.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

let server: TestServer;
let folder: string;
let archive: string;

test.beforeEach(async ({ server: own }) => {
  server = own;
  const root = await mkdtemp(join(server.dataDir, 'archive-'));
  folder = join(root, 'projection');
  archive = join(root, 'archive');
});

async function write(count: number): Promise<void> {
  await using nats = await openNats(server.url);
  await writeLog(nats.connection, count);
}

/** The state of the log itself. */
async function logState(): Promise<{ first: number; last: number; messages: number; subjects: number }> {
  await using nats = await openNats(server.url);
  const { state } = await (await nats.connection.nats.jetstreamManager()).streams.info(INVOCATIONS);
  return { first: state.first_seq, last: state.last_seq, messages: state.messages, subjects: state.num_subjects ?? 0 };
}

/** Opens the read model on the log and the archive, checks it, and returns the hashes and the counts of its rows. */
async function rebuilt(): Promise<{ hashes: string[]; invocations: number; problems: number }> {
  await using opened = await openProjectionOn(server.url, folder, { archive });
  await opened.ready();
  expect(opened.warnings).toEqual([]);
  const { tables, isEqual } = await opened.projection.check();
  expect(isEqual).toBe(true);
  return {
    hashes: tables.map(({ live }) => live),
    invocations: tables[0]?.rows ?? 0,
    problems: (await opened.projection.status()).problems,
  };
}

describe('the janitor', () => {
  test('keeps the retained number of finished invocations in the log, and all stay in the read model', { timeout: 180_000 }, async () => {
    await write(3_000);
    const before = await rebuilt();
    await using opened = await openJanitorOn(server.url, archive, { retention: { maxInvocations: 500 }, maxRemovable: 0 });
    await opened.janitor.work();
    const { messages, subjects } = await logState();
    expect(subjects).toBeLessThanOrEqual(520);
    expect(messages).toBeLessThan(2_100);
    expect(await rebuilt()).toEqual(before);
    await rm(folder, { recursive: true });
    expect(await rebuilt()).toEqual(before);
    expect(before).toMatchObject({ invocations: 3_000, problems: 0 });
    expect(opened.problems).toEqual([]);
  });

  test('does nothing below the retention, and nothing at all without a retention', async () => {
    await write(300);
    await using none = await openJanitorOn(server.url, archive);
    await none.janitor.work();
    await none.janitor.stop();
    await using enough = await openJanitorOn(server.url, archive, { retention: { maxInvocations: 300, maxAgeInMs: 60_000 } });
    await enough.janitor.work();
    expect(await logState()).toMatchObject({ first: 1, messages: 900 });
  });

  test('archives and purges nothing while its process may take no work, and continues when the process may', async () => {
    await write(300);
    let takesWork = false;
    const retention = { maxInvocations: 100 };
    await using opened = await openJanitorOn(server.url, archive, { retention, maxRemovable: 0, takesWork: () => takesWork });
    expect(await opened.janitor.work()).toBe(false);
    expect(await logState()).toMatchObject({ first: 1, messages: 900 });
    takesWork = true;
    expect(await opened.janitor.work()).toBe(true);
    expect((await logState()).messages).toBeLessThan(900);
  });

  describe('whose log lost its last messages after they were archived', () => {
    const store = (): string => join(server.dataDir, 'nats', 'jetstream');
    const retention = { maxInvocations: 10 };

    /** Archives 300 invocations, of which the log then loses the last 200. Returns the end of the archive, and that of the log. */
    async function loseTail(): Promise<{ archived: number; kept: number }> {
      const copy = join(folder, '..', 'copy');
      await write(100);
      const { last: kept } = await logState();
      await server.end();
      await cp(store(), copy, { recursive: true });
      await server.restart();
      await write(200);
      await using before = await openJanitorOn(server.url, archive, { retention, maxRemovable: 0 });
      await before.janitor.work();
      const archived = (await before.head())?.last ?? 0;
      expect(archived).toBeGreaterThan(600);
      await before[Symbol.asyncDispose]();
      await server.kill();
      await rm(store(), { recursive: true });
      await cp(copy, store(), { recursive: true });
      await server.restart();
      return { archived, kept };
    }

    test('purges no message that the log stored under the sequence of a lost and archived one (J6)', async () => {
      await loseTail();
      for (const count of [50, 400]) {
        await write(count);
        const { first, messages } = await logState();
        await using after = await openJanitorOn(server.url, archive, { retention, maxRemovable: 0 });
        await after.janitor.work().catch((error: unknown) => expect(String(error)).toContain('has messages that the log lost'));
        expect(await logState()).toMatchObject({ first, messages });
        expect(after.problems.join()).toContain('the janitor archives and purges nothing for now');
      }
    });

    test('is read up to the last message on which log and archive agree: lost messages count nowhere (J7)', async () => {
      const { archived, kept } = await loseTail();
      for (const [count, total] of [
        [50, 150],
        [400, 550],
      ] as const) {
        // The log first ends before the archive, and then holds other messages at the sequences of the lost ones.
        await write(count);
        const { last } = await logState();
        expect(last < archived).toBe(count === 50);
        expect(await rebuilt()).toMatchObject({ invocations: total, problems: 0 });
        await using opened = await openJanitorOn(server.url, archive);
        const { whole, log } = opened;
        expect(await whole.missing()).toBe(0);
        for (const sequence of [kept, kept + 1, last]) expect(await whole.fingerprintAt(sequence)).toBe(await log.fingerprintAt(sequence));
        const { created } = await log.state();
        const verified = await verifyLog({ archive: opened.archive, source: log, log: created, head: await opened.head() });
        expect(verified.findings).toMatchObject([
          { kind: 'lost-messages', sequence: kept + 1, what: expect.stringContaining(`to ${archived}`) },
        ]);
      }
    });
  });

  test('purges messages older than the retention', async () => {
    await write(400);
    const cut = Date.now() + 1;
    while (Date.now() <= cut);
    await write(100);
    // The retention is so long that the time for which the writes went on is no part of it.
    const maxAgeInMs = 86_400_000;
    const now = { value: cut + maxAgeInMs };
    const clock = {
      now: () => now.value,
      sleep: (_: number, signal?: AbortSignal) =>
        new Promise<void>((resolve) => {
          signal?.addEventListener('abort', () => resolve(), { once: true });
        }),
    };
    await using opened = await openJanitorOn(server.url, archive, { clock, retention: { maxAgeInMs } });
    await opened.janitor.work();
    expect(await logState()).toMatchObject({ first: 1 });
    // A segment covers at least a twenty-fourth of the retention.
    now.value += maxAgeInMs / 24 + 100;
    await opened.janitor.work();
    const { first } = await logState();
    expect(first).toBeGreaterThan(1_100);
    expect((await rebuilt()).invocations).toBe(500);
  });

  test('retains an open invocation while all others are purged, and purges it when it is settled', async () => {
    await using nats = await openNats(server.url);
    const { log } = nats.ports;
    const name = { function: 'orders' as FunctionName, stream: 'straggler' as StreamId };
    const { sequence } = await log.accept(name, [{ id: 'straggler' as RequestId, payload: '{}' }]);
    await write(1_500);
    await using opened = await openJanitorOn(server.url, archive, { retention: { maxInvocations: 100 }, maxRemovable: 200 });
    await opened.janitor.work();
    const retained = await logState();
    expect(retained.first).toBe(sequence);
    expect(retained.messages).toBeLessThan(700);
    expect((await rebuilt()).invocations).toBe(1_501);
    // The open invocation continues unaffected.
    const state = await loadStream(log, name, sequence);
    if (state === undefined) throw new Error('the stream was purged');
    const writer = new StreamWriter({ log, state, by: 'w', appendId: () => 'a-1', clock: systemClock });
    const failure = { kind: 'platform', errorType: 'Error', message: 'too old', code: 1 } as const;
    const failed = {
      type: 'failed',
      invocation: 'straggler',
      at: Date.now(),
      attempt: 0,
      condition: 'InvocationCanceled',
      failure,
    } as const;
    expect(await writer.propose('straggler', [failed])).toBeDefined();
    expect(await writer.propose('straggler', [{ type: 'notified', invocation: 'straggler', at: Date.now() }])).toBeDefined();
    await write(1_500);
    await opened.janitor.work();
    expect((await logState()).first).toBeGreaterThan(sequence + 3_000);
    expect((await rebuilt()).invocations).toBe(3_001);
  });

  test('purges nothing that a projection has not read', async () => {
    await write(1_000);
    await using opened = await openJanitorOn(server.url, archive, { retention: { maxInvocations: 10 }, maxRemovable: 0 });
    await opened.nats.ports.state.put(projectionKey('behind'), JSON.stringify({ sequence: 900, at: Date.now() }));
    await opened.janitor.work();
    expect((await logState()).first).toBeLessThanOrEqual(901);
    await opened.nats.ports.state.put(projectionKey('behind'), JSON.stringify({ sequence: 3_000, at: Date.now() }));
    await opened.janitor.work();
    expect((await logState()).messages).toBeLessThan(100);
  });

  test('never archives a message twice when another janitor works at the same time', async () => {
    await write(2_000);
    const options = { retention: { maxInvocations: 50 } };
    await using one = await openJanitorOn(server.url, archive, { ...options, name: 'one' });
    await using other = await openJanitorOn(server.url, archive, { ...options, name: 'other' });
    // Both janitors believe that they hold the lease.
    const work = async ({ janitor, nats }: OpenedJanitor): Promise<void> => {
      await nats.ports.state.delete('janitor.lease');
      await janitor.work().catch(() => {});
    };
    await Promise.all([work(one), work(other)]);
    await Promise.all([work(one), work(other)]);
    const { created, last } = await one.log.state();
    const segments = await one.archive.segments(created);
    expect(segments.reduce((sum, { messages }) => sum + messages, 0)).toBe(segments.at(-1)?.last);
    expect(await one.whole.missing()).toBe(0);
    expect(last).toBe(6_000);
    expect((await rebuilt()).invocations).toBe(2_000);
  });

  test('refuses to continue with another archive', async () => {
    await write(500);
    await using opened = await openJanitorOn(server.url, archive, { retention: { maxInvocations: 10 } });
    await opened.janitor.work();
    const before = await logState();
    await opened.janitor.stop();
    await write(500);
    await using elsewhere = await openJanitorOn(server.url, `${archive}-elsewhere`, {
      name: 'j-elsewhere',
      retention: { maxInvocations: 10 },
    });
    await expect(elsewhere.janitor.work()).rejects.toThrow(/was archived up to \d+ in .*archive, but .*archive-elsewhere ends at 0/);
    expect((await logState()).first).toBe(before.first);
  });
});

describe('a segment', () => {
  test('that is damaged or missing is named in the error', async () => {
    await write(700);
    await using opened = await openJanitorOn(server.url, archive, { retention: { maxInvocations: 100 } });
    await opened.janitor.work();
    const { created } = await opened.log.state();
    const [segment] = await opened.archive.segments(created);
    if (segment === undefined) throw new Error('nothing was archived');
    const [log = ''] = await readdir(archive);
    const [file = ''] = await readdir(join(archive, log));
    const path = join(archive, log, file);
    const bytes = await readFile(path);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await expect(opened.archive.lines(segment)).rejects.toThrow(
      `the archived segment ${log}/${file} is damaged: its SHA-256 does not match`,
    );
    await rm(path);
    await expect(opened.archive.lines(segment)).rejects.toThrow(`${file} is missing`);
  });
});
