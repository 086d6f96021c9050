import type { NatsConnection, StreamInfo } from 'nats';
import { describe, expect } from 'vitest';
import { deferred } from '#src/core/deferred.ts';
import type { LogEntry } from '#src/core/log/event-log.ts';
import type { Pace } from '#src/core/log/log-source.ts';
import { followMessages } from '#src/nats/streams/feeds/follow.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { accept, newStream } from '#test/support/log/opened-log.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';
import { overriding } from '#test/support/nats/tampered-answers.ts';
import { eventOf } from '#test/support/payloads/large-event.ts';

// A server of its own, because the tests delete the log and create it again.

let server: TestServer;
let nats: OpenedNats;

test.beforeAll(({ server: own }) => {
  server = own;
});
test.beforeEach(async () => {
  nats = await openNats(server.url);
  return () => nats[Symbol.asyncDispose]();
});

type Info = Pick<StreamInfo, 'created' | 'state' | 'config' | 'cluster'>;

/** The connection, with changed answers to questions about the state of the log. */
function withState(connection: Connection, change: (info: Info) => Info): Connection {
  const { manager } = connection;
  const info = async (name: string) => change(await manager.streams.info(name));
  const changed = overriding(manager, { streams: overriding(manager.streams, { info }) });
  return { ...connection, manager: changed, isConnected: true };
}

/** The answer of a leader of three replicas that heard from both others, and has applied this many messages less. */
function behind({ state, config, created }: Info, messages: number): Info {
  const peer = { current: true, offline: false, active: 1_000_000, lag: 0 };
  return {
    created,
    state: { ...state, last_seq: state.last_seq - messages },
    config: { ...config, num_replicas: 3 },
    cluster: {
      name: 'c',
      leader: 'a',
      replicas: [
        { ...peer, name: 'b' },
        { ...peer, name: 'd' },
      ],
    },
  };
}

/** Follows the log from its first message. With a pace, whole messages. */
function follow(connection: Connection, pace?: Pace, onMessage = () => {}) {
  const sequences: number[] = [];
  const problems: string[] = [];
  const stop = new AbortController();
  const options = {
    connection,
    from: 1,
    headersOnly: pace === undefined,
    signal: stop.signal,
    pace,
    onProblem: (problem: string) => void problems.push(problem),
  };
  const done = followMessages(options, ({ sequence }: Pick<LogEntry, 'sequence'>) => {
    sequences.push(sequence);
    onMessage();
  });
  return {
    sequences,
    problems,
    reached: (sequence: number | undefined) => expect.poll(() => sequences.at(-1), { timeout: 20_000, interval: 10 }).toBe(sequence),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

/** The connection, with the times of the requests for messages and of their ends. The second request is sent after `written`. */
function observePulls(connection: Connection, written: Promise<void>) {
  const { nats: inner } = connection;
  const requestAt: number[] = [];
  const endAt: number[] = [];
  const publish: NatsConnection['publish'] = (subject, ...given) => {
    if (!subject.includes('.CONSUMER.MSG.NEXT.')) return inner.publish(subject, ...given);
    if (requestAt.push(performance.now()) === 2) void written.then(() => inner.publish(subject, ...given));
    else inner.publish(subject, ...given);
  };
  const subscribe: NatsConnection['subscribe'] = (subject, { callback, ...options } = {}) =>
    inner.subscribe(subject, {
      ...options,
      callback: (error, message) => {
        if ([404, 408].includes(message.headers?.code ?? 0)) endAt.push(performance.now());
        callback?.(error, message);
      },
    });
  return { connection: { ...connection, nats: overriding(inner, { publish, subscribe }), isConnected: true }, requestAt, endAt };
}

/** Creates the log again. A busy server may continue the sequences of the log that was deleted; then it is deleted once more. */
async function recreate(): Promise<void> {
  const { streams } = nats.connection.manager;
  do {
    await streams.delete(INVOCATIONS);
    await (await openNats(server.url))[Symbol.asyncDispose]();
  } while ((await streams.info(INVOCATIONS)).state.last_seq > 0);
}

/** Deletes the consumers of the log. Its followers open others. */
async function deleteConsumers(): Promise<void> {
  const { consumers } = nats.connection.manager;
  for await (const { name } of consumers.list(INVOCATIONS)) await consumers.delete(INVOCATIONS, name);
}

/** Accepts requests, one after another. Resolves to their sequences. */
async function write(count: number, bytes = 100): Promise<number[]> {
  const sequences: number[] = [];
  const payload = eventOf(bytes);
  for (let index = 0; index < count; index++) sequences.push(await accept(nats.ports.log, newStream(), { payload }));
  return sequences;
}

describe('a follower of the log that opens its consumer again', () => {
  test('continues after its last message while a new leader has applied fewer messages (REG2)', async () => {
    await recreate();
    let answers = 0;
    const lagging = withState(nats.connection, (info) => (++answers < 5 ? behind(info, 4) : info));
    await using following = follow(lagging);
    await following.reached((await write(5)).at(-1));
    answers = 0;
    await deleteConsumers();
    await following.reached((await write(2)).at(-1));
    expect(following).toMatchObject({ sequences: [1, 2, 3, 4, 5, 6, 7], problems: [] });
    expect(answers).toBeGreaterThanOrEqual(5);
  });

  test('reads the log again when a leader with a quorum keeps saying that the log became shorter (REG1)', async () => {
    await recreate();
    let isShort = false;
    const shortened = withState(nats.connection, (info) => (isShort ? behind(info, 2) : info));
    await using following = follow(shortened);
    await following.reached((await write(5)).at(-1));
    isShort = true;
    await deleteConsumers();
    await expect.poll(() => following.sequences, { timeout: 15_000 }).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
    expect(following.problems).toEqual([
      'the log ends at 3 but was read up to 5: the log lost messages, so it is read again from its beginning',
    ]);
  });

  test('reads a log that was created again from its first message, although it is longer (REG1)', async () => {
    await recreate();
    await using following = follow(nats.connection);
    await following.reached((await write(3)).at(-1));
    await recreate();
    await following.reached((await write(6)).at(-1));
    expect(following.sequences).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6]);
    expect(following.problems).toContainEqual(expect.stringContaining('the log was created again on'));
  });

  test('reads a log from its first message that is created again while its consumer is opened (REG1)', async () => {
    await recreate();
    let isNext = false;
    const { consumers } = nats.connection.manager;
    // The identity of the log was read, and the consumer is not there yet.
    const add: typeof consumers.add = async (stream, config) => {
      if (isNext) {
        isNext = false;
        await recreate();
        await write(6);
      }
      return await consumers.add(stream, config);
    };
    const manager = overriding(nats.connection.manager, { consumers: overriding(consumers, { add }) });
    await using following = follow({ ...nats.connection, manager, isConnected: true });
    await following.reached((await write(3)).at(-1));
    isNext = true;
    await deleteConsumers();
    await following.reached(6);
    expect(following.sequences).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6]);
    expect(following.problems).toEqual([expect.stringContaining('the log was created again on')]);
  });

  test('reads the log again when it holds another message at the last sequence that was read (REG1)', async () => {
    await recreate();
    const { created } = await nats.connection.manager.streams.info(INVOCATIONS);
    // The creation time stays the same when a log loses its newest messages.
    await using following = follow(withState(nats.connection, (info) => ({ ...info, created })));
    await following.reached((await write(3)).at(-1));
    await recreate();
    await following.reached((await write(6)).at(-1));
    expect(following.sequences).toEqual([1, 2, 3, 1, 2, 3, 4, 5, 6]);
  });

  test('requests no message while its reader pauses, and continues where it stopped', async () => {
    await recreate();
    let wanted = 2;
    let release = (): void => {};
    const onRelease = (listener: () => void) => {
      release = listener;
      return () => {};
    };
    await using following = follow(nats.connection, {
      demand: () => wanted - following.sequences.length,
      maxBytes: () => 1_000_000,
      pauseInMs: () => 0,
      onRelease,
    });
    await write(5);
    await following.reached(2);
    // The server has answered a later request of the same connection, so it would have delivered a third message.
    await nats.connection.nats.flush();
    expect(following.sequences).toEqual([1, 2]);
    wanted = 5;
    release();
    await following.reached(5);
    expect(following).toMatchObject({ sequences: [1, 2, 3, 4, 5], problems: [] });
  });

  test('gets no more bytes than it requested when its reader pauses', async () => {
    await recreate();
    let isPaused = false;
    const pace = { demand: () => (isPaused ? 0 : 1_000), maxBytes: () => 50_000, pauseInMs: () => 0, onRelease: () => () => {} };
    await using following = follow(nats.connection, pace);
    await following.reached((await write(1)).at(-1));
    isPaused = true;
    await write(10, 15_000);
    await following.reached(4);
    await nats.connection.nats.flush();
    expect(following.sequences).toEqual([1, 2, 3, 4]);
  });

  test.each([0, 20])('gets a message that is larger than what it may request, and those behind it, pausing %d ms', async (pauseInMs) => {
    await recreate();
    const pace = { demand: () => 1_000, maxBytes: () => 10_000, pauseInMs: () => pauseInMs, onRelease: () => () => {} };
    await using following = follow(nats.connection, pace);
    await write(1);
    await write(2, 20_000);
    await write(40);
    await following.reached((await write(1, 20_000)).at(-1));
    expect(following.sequences).toEqual(Array.from({ length: 44 }, (_, index) => index + 1));
  });

  test('may pause when it has read everything, and then reads the messages of the pause together (H24)', async () => {
    await recreate();
    // The second request is sent only when the messages of the pause are stored, because the writes may take longer than the pause.
    const written = deferred<void>();
    const { connection, requestAt, endAt } = observePulls(nats.connection, written.promise);
    let pauseInMs = 1_000;
    const requestsAtReads: number[] = [];
    const pace = { demand: () => 1_000, maxBytes: () => 1_000_000, pauseInMs: () => pauseInMs, onRelease: () => () => {} };
    await using following = follow(connection, pace, () => requestsAtReads.push(requestAt.length));
    await write(1);
    await following.reached(1);
    await expect.poll(() => endAt.length).toBe(1);
    await write(5);
    written.resolve();
    await following.reached(6);
    expect(requestsAtReads).toEqual([1, 2, 2, 2, 2, 2]);
    expect((requestAt[1] ?? 0) - (endAt[0] ?? 0)).toBeGreaterThan(900);
    // The reader no longer pauses, from the end of the present pause on.
    pauseInMs = 0;
    await following.reached((await write(300)).at(-1));
    expect(following.sequences).toEqual(Array.from({ length: 306 }, (_, index) => index + 1));
  });

  test('replaces a consumer that delivers nothing although the leader holds a newer message', { timeout: 30_000 }, async () => {
    await recreate();
    let isStalled = true;
    const { consumers } = nats.connection.manager;
    // The first consumer is alive, and finds no message, as one on a replica that stays behind.
    const add: typeof consumers.add = async (stream, config) => {
      const filter = isStalled ? { filter_subject: 'wake.nothing' } : {};
      isStalled = false;
      return await consumers.add(stream, { ...config, ...filter });
    };
    const manager = overriding(nats.connection.manager, { consumers: overriding(consumers, { add }) });
    await using following = follow({ ...nats.connection, manager, isConnected: true });
    await following.reached((await write(3)).at(-1));
    expect(following).toMatchObject({ sequences: [1, 2, 3], problems: [] });
  });
});
