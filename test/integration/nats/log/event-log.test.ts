import { headers } from 'nats';
import { describe, expect } from 'vitest';
import { FACTS_VERSION } from '#machines/facts.ts';
import type { FullLogEntry, LogEntry, StreamName } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { idAt } from '#src/core/names/ids.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { describeEventLog } from '#test/contract/event-log.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { running, succeeded } from '#test/support/log/facts.ts';
import { accept, append, collect, newStream, type OpenedLog } from '#test/support/log/opened-log.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats, openNatsLog } from '#test/support/nats/opened-nats.ts';

// Not the shared server, because the suite reads the whole log and purges it.
let server: TestServer;
test.beforeAll(({ server: own }) => {
  server = own;
});

describeEventLog('on JetStream', () => openNatsLog(server.url));

describe('the log on JetStream, with foreign messages in it', () => {
  let opened: OpenedLog;
  let stranger: OpenedNats;
  test.beforeAll(async () => {
    opened = await openNatsLog(server.url);
    stranger = await openNats(server.url);
  });
  test.afterAll(async () => {
    await stranger[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();
  });

  test.for(['', 'garbage', '{}', '{"v":0,"facts":[]}', '{"v":1,"id":"x","previous":0,"request":1,"by":"me","facts":[{"type":"nope"}]}'])(
    'reads an append with unreadable content (%s) as one without facts, and goes on behind it',
    async (garbage) => {
      const { log } = opened;
      const name = newStream();
      const { seq } = await stranger.connection.jetstream.publish(`invocation.${name.function}.${name.stream}`, garbage);
      const [unreadable] = await log.read(name, NO_APPENDS);
      expect(unreadable).toMatchObject({ version: seq, facts: [] });
      const { version = 0 } = (await log.append(name, append([running(1)], { previous: unreadable?.version ?? NO_APPENDS }), {})) ?? {};
      expect(version).toBeGreaterThan(seq);
      const entries = await collect<FullLogEntry>(
        (on, signal) => log.followFully(seq, on, signal),
        ({ kind }) => kind === 'append',
      );
      expect(entries).toMatchObject([
        { kind: 'unreadable', sequence: seq },
        { kind: 'append', sequence: version },
      ]);
    },
  );

  test('accepts a request whose id for deduplication was used by a foreign message', async () => {
    const { log } = opened;
    const name = newStream();
    const found = headers();
    found.set('Nats-Msg-Id', `request.${name.function}.${name.stream}`);
    const { seq } = await stranger.connection.jetstream.publish('invoke.other', '{}', { headers: found });
    const once = { id: name.stream as string as RequestId, payload: '{"order":7}', once: true };
    const accepted = await log.accept(name, [once]);
    expect(accepted.isRepeated ?? false).toBe(false);
    expect(accepted.sequence).toBeGreaterThan(seq);
    expect((await log.readRequest(accepted.sequence))?.requests).toMatchObject([{ fact: { invocation: once.id }, payload: once.payload }]);
  });

  test('finds the shared message of a repeated request, or stores no late copy of it (KEY1)', async () => {
    const { log } = opened;
    const name = newStream();
    const repeat = ({ function: fn, stream }: StreamName, index: number) => {
      const own = newStream(fn);
      return log.accept(own, [{ id: own.stream as string as RequestId, payload: '1', once: true, repeats: idAt(stream, index) }]);
    };
    const stored = newStream();
    const { sequence } = await log.accept(stored, [{ payload: '0', once: true }, { payload: '1' }]);
    expect(await repeat(stored, 1)).toEqual({ sequence, isRepeated: true });
    const shared = headers();
    shared.set('Batch', name.stream);
    shared.set('Nats-Msg-Id', `request.${name.function}.${name.stream}`);
    const [first, second] = [await repeat(name, 1), await repeat(name, 2)];
    expect([first.isRepeated ?? false, second.isRepeated ?? false]).toEqual([false, false]);
    expect(second.sequence).toBeGreaterThan(first.sequence);
    const late = JSON.stringify({ requests: [{ payload: '0' }, { payload: '1' }, { payload: '2' }] });
    const answer = await stranger.connection.jetstream.publish(`invoke.${name.function}`, late, { headers: shared });
    expect([answer.duplicate, answer.seq]).toEqual([true, first.sequence]);
  });

  test('does not read a stream that holds facts of a newer version', async () => {
    const { log } = opened;
    const name = newStream();
    const newer = JSON.stringify({ v: FACTS_VERSION + 1, facts: [{ type: 'teleported' }] });
    const { seq } = await stranger.connection.jetstream.publish(`invocation.${name.function}.${name.stream}`, newer);
    await expect(log.read(name, NO_APPENDS)).rejects.toThrow(`the message ${seq} of the log holds facts of version ${FACTS_VERSION + 1}`);
  });
});

describe('followers of a log whose server is killed and restarted', () => {
  let mortal: TestServer;
  test.beforeAll(async () => {
    mortal = await startTestServer();
  });
  test.afterAll(() => mortal[Symbol.asyncDispose]());

  test('receive every message once and in order, across two restarts', async () => {
    await using nats = await openNats(mortal.url);
    const { log } = nats.ports;
    const name = newStream();
    const stop = new AbortController();
    const entries: LogEntry[] = [];
    const full: FullLogEntry[] = [];
    const following = [
      log.follow(1, (entry) => entries.push(entry), stop.signal),
      log.followFully(1, (entry) => full.push(entry), stop.signal),
    ];
    const sequences: number[] = [];
    let version = NO_APPENDS;
    for (let round = 1; round <= 3; round++) {
      for (let index = 0; index < 20; index++) sequences.push(await accept(log, newStream()));
      version = (await log.append(name, append([running(round)], { previous: version }), {}))?.version ?? NO_APPENDS;
      sequences.push(version);
      if (round === 3) break;
      await mortal.kill();
      await mortal.restart();
    }
    const last = (await log.append(name, append([succeeded(3)], { previous: version }), {}))?.version ?? NO_APPENDS;
    sequences.push(last);
    await reached(log, last);
    await expect.poll(() => [entries.at(-1)?.sequence, full.at(-1)?.sequence], { timeout: 15_000 }).toEqual([last, last]);
    stop.abort();
    await Promise.all(following);
    expect(entries.map(({ sequence }) => sequence)).toEqual(sequences);
    expect(full.map(({ sequence }) => sequence)).toEqual(sequences);
    expect((await log.read(name, NO_APPENDS)).map(({ facts }) => facts[0]?.type)).toEqual(['running', 'running', 'running', 'succeeded']);
  }, 40_000);
});

/** A third follower, that begins now, has seen the message. */
async function reached(log: OpenedNats['ports']['log'], sequence: number): Promise<void> {
  await collect<LogEntry>(
    (on, signal) => log.follow(sequence, on, signal),
    (entry) => entry.sequence >= sequence,
  );
}
