import { readFile } from 'node:fs/promises';
import type { Msg, NatsConnection } from 'nats';
import { describe, expect, onTestFinished } from 'vitest';
import { NO_APPENDS, type StreamVersion } from '#src/core/log/event-log.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { createNatsEventLog } from '#src/nats/streams/log/event-log.ts';
import { createPublisher, type PublishAnswer, type Publisher } from '#src/nats/transport/publisher.ts';
import { describeStreamWriter } from '#test/contract/stream-writer.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { running, succeeded } from '#test/support/log/facts.ts';
import { accept, append, appendId, newStream } from '#test/support/log/opened-log.ts';
import type { TestServer } from '#test/support/nats/nats-server.ts';
import { openNats, openNatsLog } from '#test/support/nats/opened-nats.ts';
import { overriding, tamperAnswers } from '#test/support/nats/tampered-answers.ts';

// Not the shared server, because one of the tests pauses it.
let server: TestServer;
test.beforeAll(({ server: own }) => {
  server = own;
});

describeStreamWriter('on JetStream', () => openNatsLog(server.url));

describeStreamWriter('on JetStream, where every second answer is lost', () => openNatsLog(server.url, losingEverySecond));

describe('an append on JetStream whose answer', () => {
  test('is lost several times is stored exactly once', async () => {
    await using opened = await openNatsLog(server.url, (publisher) => losing(publisher, 3));
    const name = newStream();
    const stored = await opened.log.append(name, append([running(1)]), {});
    expect(await opened.log.read(name, NO_APPENDS)).toMatchObject([{ ...stored, facts: [running(1)] }]);
  });

  test('is lost, and that another append follows, is recognised as stored', async () => {
    const name = newStream();
    await using rival = await openNatsLog(server.url);
    await using opened = await openNatsLog(server.url, (publisher) => ({
      ...losing(publisher, 1),
      async publish(...given) {
        const answer = await publisher.publish(...given);
        if (answer.kind !== 'stored') return answer;
        await rival.log.append(name, append([succeeded(1)], { previous: answer.sequence as StreamVersion }), {});
        return { kind: 'unknown', why: 'lost' };
      },
    }));
    const stored = await opened.log.append(name, append([running(1)]), {});
    expect(await opened.log.read(name, NO_APPENDS)).toMatchObject([{ ...stored }, { facts: [succeeded(1)] }]);
  });

  test('is lost before it was stored loses to an append that comes first', async () => {
    const name = newStream();
    await using rival = await openNatsLog(server.url);
    await using opened = await openNatsLog(server.url, (publisher) => ({
      ...publisher,
      async publish(...given) {
        const won = await rival.log.append(name, append([running(1, { worker: 'rival' })]), {});
        return won === undefined ? publisher.publish(...given) : { kind: 'unknown', why: 'never sent' };
      },
    }));
    expect(await opened.log.append(name, append([running(1)]), {})).toBeUndefined();
    expect(await opened.log.read(name, NO_APPENDS)).toMatchObject([{ facts: [{ worker: 'rival' }] }]);
  });

  test('is lost is recognised as stored by a leader that shows the append only at the fourth read (A1)', async () => {
    await using nats = await openNats(server.url);
    let reads = 0;
    const request = async (...given: Parameters<NatsConnection['request']>) =>
      given[0].includes('MSG.GET') && ++reads < 4 ? notFound : await nats.connection.nats.request(...given);
    const connection = { ...nats.connection, nats: overriding(nats.connection.nats, { request }), isConnected: true };
    const publisher = createPublisher(nats.connection);
    const log = createNatsEventLog({ connection, publisher: losing(publisher, 1), clock: systemClock });
    const name = newStream();
    const stored = await log.append(name, append([running(1)]), {});
    publisher.close();
    expect(stored).toBeDefined();
    expect(await log.read(name, NO_APPENDS)).toMatchObject([{ ...stored, facts: [running(1)] }]);
  });

  test('says "duplicate, sequence 0" is no acknowledgement: it is unknown, and is followed up', async () => {
    await using nats = await openNats(server.url);
    const connection = tamperAnswers(nats.connection, (answer, count) => (count < 3 ? staged : answer));
    const publisher = createPublisher(connection);
    expect(await publisher.publish('invoke.orders', '{}')).toEqual({ kind: 'unknown', why: 'answered as a duplicate that is not stored' });
    publisher.close();
    await using opened = await openNatsLog(server.url, () => createPublisher(connection));
    const name = newStream();
    const stored = await opened.log.append(name, append([running(1)]), {});
    expect(await opened.log.read(name, NO_APPENDS)).toMatchObject([{ ...stored }]);
  });

  test.for(['+OK', 'null', '7', '', '{"error":{"err_code":10158,"description":"id in process"}}', '{"error":{"err_code":10163}}'])(
    'is %s counts as unknown, and is followed up',
    async (strange) => {
      await using nats = await openNats(server.url);
      const publisher = createPublisher(tamperAnswers(nats.connection, (answer, count) => (count < 2 ? strange : answer)));
      expect((await publisher.publish('invoke.orders', '{}')).kind).toBe('unknown');
      await using opened = await openNatsLog(server.url, () => publisher);
      const name = newStream();
      const stored = await opened.log.append(name, append([running(1)]), {});
      expect(await opened.log.read(name, NO_APPENDS)).toMatchObject([{ ...stored }]);
      publisher.close();
    },
  );
});

describe('a refusal by a full log', () => {
  test('is reported as a full log when no try can have been stored', async () => {
    await using opened = await openNatsLog(server.url, (publisher) => ({ ...publisher, publish: async () => full }));
    await expect(accept(opened.log, newStream())).rejects.toMatchObject({ code: 'LOG_FULL', retryable: true });
  });

  test('leaves an earlier try without an answer unknown (A1)', async () => {
    let tries = 0;
    await using opened = await openNatsLog(server.url, (publisher) => ({
      ...publisher,
      async publish(...given) {
        if (tries++ > 0) return full;
        await publisher.publish(...given);
        return { kind: 'unknown', why: 'the answer was lost' };
      },
    }));
    await expect(accept(opened.log, newStream())).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME', retryable: true });
  });
});

describe('a server that is paused during an append', () => {
  test('leaves the append unknown, which is then stored exactly once', async () => {
    await using nats = await openNats(server.url);
    const publisher = createPublisher(nats.connection, { timeoutInMs: 300 });
    const answers: PublishAnswer['kind'][] = [];
    const watched: Publisher = {
      ...publisher,
      async publish(...given) {
        const answer = await publisher.publish(...given);
        answers.push(answer.kind);
        if (answers.length === 2) server.resume();
        return answer;
      },
    };
    await using opened = await openNatsLog(server.url, () => watched);
    const name = newStream();
    const request = await accept(opened.other, name);
    const state = await loadStream(opened.log, name, request);
    if (state === undefined) throw new Error('the request is not there');
    const writer = new StreamWriter({ log: opened.log, state, by: 'w1', appendId, clock: systemClock });
    const id = name.stream;
    server.pause();
    onTestFinished(() => server.resume());
    // A signal is only on its way when it was sent.
    await expect.poll(() => readFile(`/proc/${server.pid}/stat`, 'utf8')).toMatch(/\) T /);
    expect(await writer.propose(id, [running(1, { invocation: id })])).toEqual(['execute']);
    publisher.close();
    expect(answers.slice(0, 2)).toEqual(['unknown', 'unknown']);
    expect(await opened.other.read(name, NO_APPENDS)).toMatchObject([{ version: writer.state.version, facts: [{ attempt: 1 }] }]);
  });
});

const full: PublishAnswer = { kind: 'refused', why: 'maximum bytes exceeded (10077)', isFull: true };

/** Stores the first `count` publishes, but drops their answers. */
function losing(publisher: Publisher, count: number): Publisher {
  let lost = 0;
  return {
    ...publisher,
    async publish(...given) {
      const answer = await publisher.publish(...given);
      return lost++ < count ? { kind: 'unknown', why: 'the answer was lost' } : answer;
    },
  };
}

function losingEverySecond(publisher: Publisher): Publisher {
  let count = 0;
  return {
    ...publisher,
    async publish(...given) {
      const answer = await publisher.publish(...given);
      return count++ % 2 === 0 && answer.kind === 'stored' ? { kind: 'unknown', why: 'the answer was lost' } : answer;
    },
  };
}

/** The answer of a leader that has not applied the message yet. */
const notFound = { json: () => ({ error: { err_code: 10_037, description: 'no message found' } }) } as Msg;

const staged = '{"stream":"INVOCATIONS","seq":0,"duplicate":true}';
