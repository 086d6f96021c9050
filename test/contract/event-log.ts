import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deferred } from '#src/core/deferred.ts';
import type { EventLog, FullLogEntry, LogEntry, StoredAppend, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { idAt } from '#src/core/names/ids.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import { notified, running, succeeded } from '#test/support/log/facts.ts';
import { accept, append, collect, newStream, type OpenedLog, ownStream, until } from '#test/support/log/opened-log.ts';
import { describePublishedRequests } from './published-requests.ts';

const settled = {};

/** The contract of a log. All tests may share one log, because each uses its own streams. */
export function describeEventLog(title: string, open: () => Promise<OpenedLog>): void {
  describe(`the log ${title}`, () => {
    let opened: OpenedLog;
    let log: EventLog;
    let other: EventLog;

    beforeAll(async () => {
      opened = await open();
      ({ log, other } = opened);
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    describe('append', () => {
      test('stores facts at the version that it expects, and returns the new version', async () => {
        const name = newStream();
        const first = await expectStored(log.append(name, append([running(1)]), settled));
        const second = await expectStored(log.append(name, append([succeeded(1)], { previous: first }), settled));
        expect(second).toBeGreaterThan(first);
        expect(await log.read(name, NO_APPENDS)).toMatchObject([{ version: first }, { version: second }]);
      });

      test('stores nothing at any other version, older or newer or none (E3)', async () => {
        const name = newStream();
        const first = await expectStored(log.append(name, append([running(1)]), settled));
        const second = await expectStored(log.append(name, append([running(2)], { previous: first }), settled));
        for (const previous of [NO_APPENDS, first, (second + 1) as StreamVersion, (second - 1) as StreamVersion]) {
          expect(await log.append(name, append([succeeded(2)], { previous }), settled)).toBeUndefined();
        }
        expect(await log.read(name, second)).toEqual([]);
      });

      test('lets one of eight concurrent writers append in each round, and refuses the others', async () => {
        const name = newStream();
        let version = NO_APPENDS;
        for (let round = 1; round <= 25; round++) {
          const bids = Array.from({ length: 8 }, (_, index) =>
            (index % 2 === 0 ? log : other).append(name, append([running(round, { worker: `w${index}` })], { previous: version }), settled),
          );
          const won = (await Promise.all(bids)).filter((bid) => bid !== undefined);
          expect(won).toHaveLength(1);
          version = await expectStored(Promise.resolve(won[0]));
        }
        expect(await log.read(name, NO_APPENDS)).toHaveLength(25);
      });

      test('keeps streams apart: of one id in two functions, and of two ids in one function', async () => {
        const name = newStream();
        const others = [{ ...name, function: newStream('billing').function }, newStream()];
        await expectStored(log.append(name, append([running(1)]), settled));
        for (const elsewhere of others) expect(await log.read(elsewhere, NO_APPENDS)).toEqual([]);
        for (const elsewhere of others) await expectStored(log.append(elsewhere, append([running(1)]), settled));
      });

      test('returns versions in one order over all streams, with gaps for the appends of other streams', async () => {
        const [one, two] = [newStream(), newStream()];
        const versions: StreamVersion[] = [];
        let [atOne, atTwo] = [NO_APPENDS, NO_APPENDS];
        for (let round = 1; round <= 3; round++) {
          atOne = await expectStored(log.append(one, append([running(round)], { previous: atOne }), settled));
          await accept(log, newStream());
          atTwo = await expectStored(log.append(two, append([running(round)], { previous: atTwo }), settled));
          versions.push(atOne, atTwo);
        }
        expect(versions).toEqual([...versions].sort((a, b) => a - b));
        const ofOne = (await log.read(one, NO_APPENDS)).map(({ version }) => version);
        for (const [index, version] of ofOne.slice(1).entries()) expect(version - (ofOne[index] ?? 0)).toBeGreaterThan(1);
      });

      test('shares no object with its caller', async () => {
        const name = newStream();
        const fact = running(1);
        await expectStored(log.append(name, append([fact]), settled));
        fact.worker = 'another worker';
        const [stored] = await log.read(name, NO_APPENDS);
        expect(stored?.facts).toEqual([running(1)]);
      });
    });

    describe('read', () => {
      test('returns the appends after a version, in order', async () => {
        const name = newStream();
        const written = append([running(1), succeeded(1), notified()], { request: 3 });
        const first = await expectStored(log.append(name, written, settled));
        expect(await other.read(name, NO_APPENDS)).toEqual([{ ...written, version: first, hash: expect.stringMatching(/^[\w-]{22}$/) }]);
        expect(await log.read(name, first)).toEqual([]);
      });

      test('of a stream that does not exist is empty', async () => expect(await log.read(newStream(), NO_APPENDS)).toEqual([]));
    });

    describe('accept', () => {
      test('makes a request durable under the id of its stream', async () => {
        const name = newStream();
        const sequence = await accept(log, name, {
          payload: '{"a":1}',
          qualifier: '!live',
          traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        });
        const message = await other.readRequest(sequence);
        const { at = 0 } = message ?? {};
        expect(at).toBeGreaterThan(0);
        expect(message).toEqual({
          name,
          sequence,
          at,
          hash: expect.stringMatching(/^[\w-]{22}$/),
          requests: [
            {
              fact: {
                type: 'queued',
                invocation: name.stream,
                at,
                function: 'orders',
                qualifier: '!live',
                traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
              },
              payload: '{"a":1}',
            },
          ],
        });
      });

      test('makes a request durable under the id that it brings', async () => {
        const name = ownStream();
        const sequence = await accept(log, name, { id: name.stream as string as RequestId });
        expect(await log.readRequest(sequence)).toMatchObject({ name, requests: [{ fact: { invocation: name.stream } }] });
      });

      test('makes a batch durable as one message; each id ends in the request’s index', async () => {
        const name = newStream();
        const payloads = ['{"a":1}', '', '"ü"'];
        const { sequence } = await log.accept(
          name,
          payloads.map((payload, index) => ({ payload, ...(index === 2 ? { qualifier: 'v2' } : {}) })),
        );
        const message = await log.readRequest(sequence);
        expect(message?.requests.map(({ payload }) => payload)).toEqual(payloads);
        expect(message?.requests.map(({ fact }) => fact.invocation)).toEqual([0, 1, 2].map((index) => idAt(name.stream, index)));
        expect(message?.requests.map(({ fact }) => fact.qualifier)).toEqual(['latest', 'latest', 'v2']);
      });

      test('of one id twice stores two messages of one stream; the first append decides which one owns it', async () => {
        const name = ownStream();
        const own = { id: name.stream as string as RequestId };
        const [first, second] = [await accept(log, name, own), await accept(log, name, own)];
        expect(second).toBeGreaterThan(first);
        expect((await log.readRequest(second))?.name).toEqual((await log.readRequest(first))?.name);
      });
    });

    describe('a request that a client published by itself', () => describePublishedRequests(() => opened));

    describe('readRequest', () => {
      test('is undefined for a sequence without a request', async () => {
        const name = newStream();
        const version = await expectStored(log.append(name, append([running(1)]), settled));
        expect(await log.readRequest(version)).toBeUndefined();
        expect(await log.readRequest(version + 1_000_000)).toBeUndefined();
      });
    });

    describe('findAll', () => {
      test('returns the stream of each function that has an append under the id', async () => {
        const name = ownStream('billing');
        const second: StreamName = { ...name, function: 'b=orders' as FunctionName };
        await accept(log, name, { id: name.stream as string as RequestId });
        expect(await log.findAll(name.stream)).toEqual([]);
        await expectStored(log.append(name, append([running(1)]), settled));
        expect(await other.findAll(name.stream)).toEqual([name]);
        await expectStored(log.append(second, append([running(1)]), settled));
        expect((await other.findAll(name.stream)).map((one) => one.function).sort()).toEqual(['b=orders', 'billing']);
        expect(await log.findAll('unknown' as StreamId)).toEqual([]);
      });
    });

    describe('follow', () => {
      test('delivers every message from a sequence on, in order, earlier and later ones', async () => {
        const from = (await log.lastSequence()) + 1;
        const name = newStream();
        const request = await accept(log, name);
        const wakeTimes = { dueAt: 7, endsAt: 9, inProgressSince: 5, deliverAt: 3 };
        const first = await expectStored(log.append(name, append([running(1)]), wakeTimes));
        const entries: LogEntry[] = [];
        const stop = new AbortController();
        const arrived = deferred<void>();
        const following = other.follow(
          from,
          (entry) => {
            entries.push(entry);
            if (entry.sequence >= first) arrived.resolve();
          },
          stop.signal,
        );
        await arrived.promise;
        const next = await expectStored(log.append(name, append([succeeded(1)], { previous: first }), settled));
        await collect<LogEntry>(
          (on, signal) => other.follow(next, on, signal),
          ({ sequence }) => sequence >= next,
        );
        await until(() => entries.length >= 3);
        stop.abort();
        await following;
        expect(entries).toMatchObject([
          { kind: 'request', sequence: request, name },
          { kind: 'append', sequence: first, name, wakeTimes },
          { kind: 'append', sequence: next, name, wakeTimes: {} },
        ]);
      });

      test('delivers the contents as well when it follows fully', async () => {
        const from = (await log.lastSequence()) + 1;
        const name = newStream();
        const request = await accept(log, name);
        const written = append([running(1)], { request });
        const version = await expectStored(log.append(name, written, settled));
        const entries = await collect<FullLogEntry>(
          (on, signal) => other.followFully(from, on, signal),
          ({ sequence }) => sequence >= version,
        );
        expect(entries).toMatchObject([
          { kind: 'request', sequence: request, message: { name, sequence: request } },
          { kind: 'append', sequence: version, name, append: { ...written, version } },
        ]);
      });

      test('delivers each of a thousand messages once, in order, to followers from different sequences', async () => {
        const from = (await log.lastSequence()) + 1;
        const name = newStream();
        const stored = Promise.all(Array.from({ length: 1_000 }, () => accept(log, { ...newStream(), function: name.function })));
        const early = collect<LogEntry>((on, signal) => log.follow(from, on, signal), hasSeen(1_000));
        const sequences = (await stored).sort((a, b) => a - b);
        expect((await early).map(({ sequence }) => sequence)).toEqual(sequences);
        const late = await collect<LogEntry>((on, signal) => log.follow(sequences[500] ?? 0, on, signal), hasSeen(500));
        expect(late.map(({ sequence }) => sequence)).toEqual(sequences.slice(500));
      });

      test('ends at once for an aborted signal', async () => {
        await log.follow(1, () => expect.unreachable(), AbortSignal.abort());
      });
    });

    describe('lastSequence', () => {
      test('is that of the newest message', async () => {
        const sequence = await accept(log, newStream());
        expect([await other.lastSequence(), await log.timeOf(sequence + 9)]).toEqual([sequence, undefined]);
      });
    });

    describe('a log whose beginning was purged', () => {
      test('keeps the newer messages, and continues its sequences', async () => {
        const [old, young] = [newStream(), newStream()];
        const request = await accept(log, old);
        await expectStored(log.append(old, append([running(1)], { request }), settled));
        const version = await expectStored(log.append(young, append([running(1)]), settled));
        await opened.purge(version);
        expect(await log.readRequest(request)).toBeUndefined();
        expect(await log.read(old, NO_APPENDS)).toEqual([]);
        expect(await log.findAll(old.stream)).toEqual([]);
        expect(await log.read(young, NO_APPENDS)).toMatchObject([{ version }]);
        const entries = await collect<LogEntry>(
          (on, signal) => log.follow(1, on, signal),
          ({ sequence }) => sequence >= version,
        );
        expect(entries).toMatchObject([{ kind: 'append', sequence: version, name: young }]);
        expect(await accept(log, newStream())).toBeGreaterThan(version);
      });
    });
  });
}

async function expectStored(append: Promise<StoredAppend | undefined>): Promise<StreamVersion> {
  const stored = await append;
  if (stored === undefined) throw new Error('the append met a conflict');
  return stored.version;
}

function hasSeen(count: number): () => boolean {
  let seen = 0;
  return () => ++seen === count;
}
