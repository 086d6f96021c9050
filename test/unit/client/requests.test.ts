import { describe, expect, test } from 'vitest';
import { checkJson, createRequests, encodePayload, type Outgoing } from '#src/client/invoke/requests.ts';
import { UnknownOutcomeError } from '#src/core/errors.ts';
import type { NewRequest, StreamName } from '#src/core/log/event-log.ts';
import { encodeRequests } from '#src/core/log/requests/request-messages.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { idAt, streamOf } from '#src/core/names/ids.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';

const orders = 'orders' as FunctionName;

type Message = { name: StreamName; requests: readonly NewRequest[] };

/** Sends requests to a memory log, whose answers the test can hold back. */
function requestsInto({ maxBatch = 64, isBroken = false } = {}) {
  const log = createMemoryLog({ clock: { now: () => 1 } });
  const messages: Message[] = [];
  let held: Promise<void> = Promise.resolve();
  let random = 0;
  const requests = createRequests({
    log: {
      maxAppendBytes: log.maxAppendBytes,
      async accept(name, given) {
        messages.push({ name, requests: given });
        await held;
        if (isBroken) throw new UnknownOutcomeError({ id: name.stream, waitedInMs: 1 });
        return await log.accept(name, given);
      },
    },
    clock: { now: () => 1, sleep: async () => {} },
    random: { bytes: (size) => new Uint8Array(size).fill(random++) },
    maxBatch: () => maxBatch,
  });
  const hold = (): (() => void) => {
    let open = (): void => {};
    held = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  };
  const send = (...given: Outgoing[]) => Promise.all(given.map((request) => requests.send(orders, request)));
  const sendTogether = (...ids: string[]) => Promise.allSettled(ids.map((id) => requests.sendTogether(orders, { payload: `"${id}"`, id })));
  return { requests, log, sendTogether, send, messages, hold, sizes: () => messages.map((message) => message.requests.length) };
}

const some = (count: number): Outgoing[] => Array.from({ length: count }, (_, index) => ({ payload: String(index) }));

describe('requests', () => {
  test('made in the same turn share a message, and their ids end in their index', async () => {
    const { send, messages, sizes } = requestsInto();
    const ids = await send(...some(3));
    expect(sizes()).toEqual([3]);
    const { stream } = messages[0]?.name ?? { stream: '' };
    expect(ids).toEqual([0, 1, 2].map((index) => idAt(stream as never, index)));
    expect(ids.map(streamOf)).toEqual([stream, stream, stream]);
  });

  test('made while a message is in flight share the next message', async () => {
    const { send, sizes, hold } = requestsInto();
    const letThrough = hold();
    const early = send(...some(1));
    await Promise.resolve();
    await Promise.resolve();
    const late = send(...some(5));
    letThrough();
    await Promise.all([early, late]);
    expect(sizes()).toEqual([1, 5]);
  });

  test('that are sent together wait for no answer, and only one that is alone keeps its id', async () => {
    const { sendTogether, messages, hold, sizes } = requestsInto();
    const letThrough = hold();
    const [alone, shared] = [
      sendTogether('alone'),
      new Promise((resolve) => setImmediate(resolve)).then(() => sendTogether('a', 'b', 'c')),
    ];
    await expect.poll(sizes).toEqual([1, 3]);
    letThrough();
    const stream = messages[1]?.name.stream as StreamId;
    expect(await alone).toMatchObject([{ value: 'alone' }]);
    expect(await shared).toMatchObject([0, 1, 2].map((index) => ({ value: idAt(stream, index) })));
  });

  test('of a shared message without an answer are told their ids, and are repeated once by them (KEY1)', async () => {
    for (const isStored of [true, false]) {
      const broken = requestsInto({ isBroken: true });
      const unknown = (await broken.sendTogether('a', 'b')).map((one) => (one as PromiseRejectedResult).reason as UnknownOutcomeError);
      const [batch] = broken.messages;
      if (batch === undefined) throw new Error('nothing was sent');
      expect(unknown.map(({ id }) => id)).toEqual([0, 1].map((index) => idAt(batch.name.stream, index)));
      const { requests, log } = requestsInto();
      if (isStored) await log.accept(batch.name, batch.requests);
      const repeat = (index: number) =>
        requests.sendOnce(orders, { payload: '1', id: `key-${index}`, repeats: unknown[index]?.id as RequestId });
      const answers = [await repeat(1), await repeat(0), await repeat(1)].map(({ isRepeated = false }) => isRepeated);
      expect(answers).toEqual(isStored ? [true, true, true] : [false, false, true]);
    }
  });

  test('are at most 64 in a message, and at most the concurrency of the function', async () => {
    const wide = requestsInto();
    await wide.send(...some(150));
    expect(wide.sizes()).toEqual([64, 64, 22]);
    const narrow = requestsInto({ maxBatch: 4 });
    await narrow.send(...some(10));
    expect(narrow.sizes()).toEqual([4, 4, 2]);
  });

  test('fit the largest message of a NATS server as it is installed, however their payloads are made', async () => {
    for (const worst of ['\\\\', '""', '\n']) {
      const { send, messages } = requestsInto();
      const payload = `"${worst.repeat(Math.floor(32_700 / worst.length))}"`;
      await send(
        ...Array.from({ length: 40 }, () => ({ payload, qualifier: '!live', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })),
      );
      for (const { name, requests } of messages) {
        expect(Buffer.byteLength(encodeRequests(name.stream, requests).payload)).toBeLessThan(1_048_576 - 4_096);
      }
    }
  });

  test('with an id of the caller are sent alone, with that id', async () => {
    const { send, messages } = requestsInto();
    const ids = await send({ payload: '1', id: 'order-1' }, { payload: '2' }, { payload: '3', id: 'order-2' });
    expect(messages.map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
    expect(ids).toEqual(['order-1', expect.any(String), 'order-2']);
    expect(messages.map(({ name }) => name.stream)).toContain('order-1');
  });

  test.for<[string, Outgoing, RegExp]>([
    ['an id with a dot', { payload: '1', id: 'a.b' }, /request id "a\.b" must be 1 to 64/],
    ['an id of 5,000 characters', { payload: '1', id: 'x'.repeat(5_000) }, /must be 1 to 64/],
    ['an id with an index of a batch', { payload: '1', id: '019ab2c4-5e80-8f00-8123-456789ab0003' }, /not of the form that Sequent makes/],
    ['a qualifier with CR/LF', { payload: '1', qualifier: 'a\r\nb' }, /qualifier "a\\r\\nb" must be a version/],
    ['262,145 bytes', { payload: `"${'x'.repeat(262_143)}"` }, /the payload has 262145 bytes; at most 262144/],
    ['262,146 bytes of wide characters', { payload: `"${'ü'.repeat(131_072)}"` }, /262146 bytes/],
  ])('with %s are refused before anything is sent', async ([, request, message]) => {
    const { send, messages } = requestsInto();
    await expect(send(request)).rejects.toThrow(message);
    expect(messages).toEqual([]);
  });

  test('of 262,144 bytes are accepted', async () => {
    await requestsInto().send({ payload: `"${'x'.repeat(262_142)}"` });
  });

  test('whose result is unknown all reject, and the next ones are sent', async () => {
    const { send } = requestsInto({ isBroken: true });
    const results = await Promise.allSettled(some(3).map((request) => send(request)));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await expect(send({ payload: '1' })).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME', retryable: true });
  });
});

describe('the payload of an event', () => {
  test('is its JSON, and empty for no event', () => {
    expect(encodePayload({ a: 1 })).toBe('{"a":1}');
    expect(encodePayload(undefined)).toBe('');
  });

  test('cannot be what JSON cannot express', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    for (const event of [cyclic, 1n]) expect(() => encodePayload(event)).toThrow(/^the event is not JSON: /);
  });

  test('given as text must be JSON', () => {
    expect(checkJson('{"a":1}')).toBe('{"a":1}');
    expect(checkJson('')).toBe('');
    expect(() => checkJson('{a:1}')).toThrow(/^the payload is not JSON: /);
  });
});
