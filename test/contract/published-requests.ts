import { expect, test } from 'vitest';
import type { AcceptedRequest, FullLogEntry, LogEntry } from '#src/core/log/event-log.ts';
import { derivedId, idAt, idFromSequence, keyedId } from '#src/core/names/ids.ts';
import { collect, newStream, type OpenedLog } from '#test/support/log/opened-log.ts';

/** How every log reads the messages that any client publishes to an invoke subject. A part of `describeEventLog`. */
export function describePublishedRequests(opened: () => OpenedLog): void {
  test('without an id gets an id from its sequence, the same for every reader', async () => {
    const sequence = await opened().publish('orders', '{"raw":true}');
    const [mine, theirs] = [await opened().log.readRequest(sequence), await opened().other.readRequest(sequence)];
    expect(mine).toEqual(theirs);
    expect(mine?.name.stream).toBe(idFromSequence(mine?.at ?? 0, sequence));
    const followed = await collect<FullLogEntry>(
      (on, signal) => opened().log.followFully(sequence, on, signal),
      () => true,
    );
    expect(followed).toEqual([{ kind: 'request', sequence, at: mine?.at, message: mine }]);
    const headersOnly = await collect<LogEntry>(
      (on, signal) => opened().log.follow(sequence, on, signal),
      () => true,
    );
    expect(headersOnly).toEqual([{ kind: 'request', sequence, at: mine?.at, name: mine?.name, size: '{"raw":true}'.length }]);
  });

  test('names no parent and no redriven invocation, whatever its headers say (OWN1)', async () => {
    const forged = { 'Request-Id': `forged-${Date.now()}`, Lineage: 'root/parent/0/1000', 'Redrive-Of': 'parent' };
    const sequence = await opened().publish('orders', '{}', forged);
    const fact = (await opened().log.readRequest(sequence))?.requests[0]?.fact;
    expect(fact).toMatchObject({ invocation: forged['Request-Id'] });
    expect({ lineage: fact?.lineage, redriveOf: fact?.redriveOf }).toEqual({ lineage: undefined, redriveOf: undefined });
  });

  test.for(['9c8f1c1e-0f0e-4b5e-9d7a-3f6f5a1e0001', '01936f0c-27b1-7a44-9c1b-2f6f5a1effff', keyedId('a key')])(
    'keeps the id %s, a UUID of a client',
    async (id) => {
      const sequence = await opened().publish('orders', '{}', { 'Request-Id': id });
      expect((await opened().log.readRequest(sequence))?.requests[0]?.fact.invocation).toBe(id);
    },
  );

  test.for([
    ['+90s', 90_000],
    ['+0s', undefined],
    ['2020-01-31T12:00:00Z', undefined],
  ] as const)('with the header Deliver-At: %s are due then, alone and as a batch, for every reader', async ([text, delay]) => {
    const { stream } = newStream();
    for (const [data, headers] of [
      ['1', {}],
      ['{"requests":[{"payload":"1"},{"payload":"2"}]}', { Batch: stream }],
    ] as const) {
      const sequence = await opened().publish('orders', data, { ...headers, 'Deliver-At': text });
      const message = await opened().log.readRequest(sequence);
      const dueAt = delay === undefined ? undefined : (message?.at ?? 0) + delay;
      expect(new Set(message?.requests.map(({ fact }) => fact.dueAt))).toEqual(new Set([dueAt]));
      expect(message?.requests.map(({ defect }) => defect).filter(Boolean)).toEqual([]);
      expect(await opened().other.readRequest(sequence)).toEqual(message);
      const [entry] = await collect<LogEntry>(
        (on, signal) => opened().log.follow(sequence, on, signal),
        () => true,
      );
      expect(entry?.kind === 'request' && entry.dueAt).toBe(dueAt);
    }
  });

  test.for<[string, string, string | Uint8Array, Record<string, string>, AcceptedRequest['defect'] | undefined]>([
    ['orders', 'is accepted with an empty payload', '', {}, undefined],
    ['orders', 'keeps its byte order mark as text, which is no JSON', '\uFEFF{}', {}, invalid(/not JSON/)],
    ['orders', 'is not JSON', 'hello', {}, invalid(/the payload is not JSON: .*hello/)],
    ['orders', 'is not UTF-8', Buffer.from([0xff, 0xfe, 0x22]), {}, invalid(/not UTF-8/)],
    ['orders', 'ends in the middle of a character', Buffer.from('"ü').subarray(0, 2), {}, invalid(/not UTF-8/)],
    ['orders', 'brings an id with a dot', '{}', { 'Request-Id': 'a.b' }, refused(/Request-Id header "a\.b" must be 1 to 64/)],
    ['orders', 'brings a wildcard as its id', '{}', { 'Request-Id': '>' }, refused(/Request-Id header ">"/)],
    ['orders', 'brings an id of 5,000 characters', '{}', { 'Request-Id': 'x'.repeat(5_000) }, refused(/^.{60,220}$/)],
    ['orders', 'brings an id of unicode', '{}', { 'Request-Id': 'größe' }, refused(/Request-Id header/)],
    [
      'orders',
      'brings the id of an index in a batch',
      '{}',
      { 'Request-Id': idAt(newStream().stream, 3) },
      refused(/has the form of the ids/),
    ],
    [
      'orders',
      'brings the id of a follow-up of another invocation',
      '{}',
      { 'Request-Id': derivedId('parent/onSuccess') },
      refused(/has the form of the ids/),
    ],
    [
      'orders',
      'brings a derived id with the time of its parent',
      '{}',
      { 'Request-Id': derivedId(`${newStream().stream}/onSuccess`) },
      refused(/has the form of the ids/),
    ],
    [
      'orders',
      'names no time for its delivery',
      '{}',
      { 'Deliver-At': 'tomorrow' },
      refused(/Deliver-At header "tomorrow" must be a time/),
    ],
    [
      'orders',
      'is due in two years',
      '{}',
      { 'Deliver-At': '+730d' },
      refused(/Deliver-At header "\+730d" must be at most 366 days ahead/),
    ],
    ['orders', 'brings a qualifier with a space', '{}', { Qualifier: 'a b' }, refused(/qualifier "a b" is neither/)],
    ['orders', 'brings a qualifier of 5,000 characters', '{}', { Qualifier: 'x'.repeat(5_000) }, refused(/^.{60,220}$/)],
    ['orders', 'brings __proto__ as a qualifier', '{}', { Qualifier: '__proto__' }, refused(/neither a version/)],
    [
      'orders',
      'names no stream for its batch',
      '{"requests":[{"payload":"1"}]}',
      { Batch: 'mine' },
      refused(/Batch header names no stream/),
    ],
    [
      'orders',
      'has an empty batch',
      '{"requests":[]}',
      { Batch: newStream().stream },
      refused(/batch cannot be read: requests must have at least 1 entry/),
    ],
    ['orders', 'has a batch that is no JSON', 'x', { Batch: newStream().stream }, refused(/batch cannot be read/)],
    ['orders', 'has a batch of wrong types', '{"requests":[{"payload":7}]}', { Batch: newStream().stream }, refused(/payload/)],
    ['orders', 'has 65 requests in a batch', batchOf(65), { Batch: newStream().stream }, refused(/requests must have at most 64 entries/)],
    [
      'orders',
      'has sixty mistakes in a batch, of which the refusal names a few',
      JSON.stringify({ requests: Array.from({ length: 60 }, () => 1) }),
      { Batch: newStream().stream },
      refused(/^[\s\S]{20,400}and 57 more$/),
    ],
    ['$x', 'is for a token that no function can have', '{}', {}, undefined],
  ])('to %s, that %s', async ([token, , data, headers, defect]) => {
    const sequence = await opened().publish(token, data, headers);
    const message = await opened().log.readRequest(sequence);
    expect(message?.requests).toHaveLength(1);
    expect(message?.requests[0]?.defect).toEqual(defect);
    expect(message?.requests[0]?.fact.function).toBe(token);
    expect(await opened().other.readRequest(sequence)).toEqual(message);
  });

  test('may have 262,144 bytes and not more', async () => {
    const most = JSON.stringify('x'.repeat(262_142));
    const fits = await opened().log.readRequest(await opened().publish('orders', most));
    expect(fits?.requests[0]).toMatchObject({ payload: most });
    expect(fits?.requests[0]?.defect).toBeUndefined();
    const over = await opened().log.readRequest(await opened().publish('orders', `${most} `));
    const message = 'the payload has 262145 bytes; at most 262144 are accepted';
    expect(over?.requests[0]?.defect).toEqual({ condition: 'PayloadTooLarge', message });
    const wide = await opened().log.readRequest(await opened().publish('orders', JSON.stringify('ü'.repeat(131_072))));
    expect(wide?.requests[0]?.defect?.condition).toBe('PayloadTooLarge');
  });
}

function invalid(message: RegExp): AcceptedRequest['defect'] {
  return { condition: 'InvalidPayload', message: expect.stringMatching(message) };
}

function refused(message: RegExp): AcceptedRequest['defect'] {
  return { condition: 'InvalidRequest', message: expect.stringMatching(message) };
}

function batchOf(size: number): string {
  return JSON.stringify({ requests: Array.from({ length: size }, () => ({ payload: '1' })) });
}
