import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import type { EventLog, StreamVersion } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { billing, failed, notified, retrying, running, succeeded, terms } from '#test/support/log/facts.ts';
import { losingAnswers, watchLog, withMaxBytes, withRival } from '#test/support/log/faulty-log.ts';
import { acceptStream, append, appendId, type OpenedLog, ownStream, until } from '#test/support/log/opened-log.ts';
import { describeLag } from './lagging-log.ts';

/** The contract of the stream writer over every log (E3, PROP1 to PROP3). */
export function describeStreamWriter(title: string, open: () => Promise<OpenedLog>): void {
  describe(`the stream writer over the log ${title}`, () => {
    let opened: OpenedLog;
    let log: EventLog;
    beforeAll(async () => {
      opened = await open();
      ({ log } = opened);
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    const accepted = (count: number) => acceptStream(log, count);
    const writerOf = (over: EventLog, state: StreamState): StreamWriter =>
      new StreamWriter({ log: over, state, by: 'w1', appendId, clock: systemClock });
    const of = <F extends Fact>(invocation: string, fact: F): F => ({ ...fact, invocation });
    const first = (ids: readonly RequestId[]): string => ids[0] ?? '';

    test('appends a proposal, and resolves to the effects that it asks for', async () => {
      const { state, ids, name } = await accepted(1);
      const writer = writerOf(log, state);
      const id = first(ids);
      expect(await writer.propose(id, [of(id, running(1))])).toEqual(['execute']);
      expect(writer.state.invocations.get(id)?.value).toBe('running');
      expect(await writer.propose(id, [of(id, succeeded(1)), of(id, notified())])).toEqual(['publishResult', 'deliverOutcome']);
      const appends = await log.read(name, NO_APPENDS);
      expect(appends.map(({ facts }) => facts.map(({ type }) => type))).toEqual([['running'], ['succeeded', 'notified']]);
      expect(appends).toMatchObject([
        { by: 'w1', previous: NO_APPENDS, request: state.request.sequence },
        { by: 'w1', previous: appends[0]?.version, request: state.request.sequence },
      ]);
      expect(writer.state.version).toBe(appends[1]?.version);
    });

    test('shows only durable facts in its state', async () => {
      const { state, ids } = await accepted(1);
      const watched = watchLog(log);
      const letThrough = watched.hold();
      const writer = writerOf(watched, state);
      const id = first(ids);
      const proposed = writer.propose(id, [of(id, running(1))]);
      await until(() => watched.appends.length === 1);
      expect(writer.state).toBe(state);
      letThrough();
      await proposed;
      expect(writer.state.invocations.get(id)?.value).toBe('running');
    });

    test('has one append in flight; proposals made meanwhile share the next one (PROP1)', async () => {
      const { state, ids, name } = await accepted(10);
      const watched = watchLog(log);
      const letThrough = watched.hold();
      const writer = writerOf(watched, state);
      const propose = (id: string) => writer.propose(id, [of(id, running(1))]);
      const early = propose(first(ids));
      await until(() => watched.appends.length === 1);
      const late = ids.slice(1).map(propose);
      letThrough();
      await Promise.all([early, ...late]);
      expect(watched.mostAtOnce).toBe(1);
      expect((await log.read(name, NO_APPENDS)).map(({ facts }) => facts.length)).toEqual([1, 9]);
    });

    test('puts the proposals of one turn into one append', async () => {
      const { state, ids, name } = await accepted(64);
      const writer = writerOf(log, state);
      const effects = await Promise.all(ids.map((id) => writer.propose(id, [of(id, running(1))])));
      expect(effects).toEqual(ids.map(() => ['execute']));
      expect((await log.read(name, NO_APPENDS)).map(({ facts }) => facts.map(({ invocation }) => invocation))).toEqual([ids]);
    });

    test('resolves to undefined for a refused proposal, and appends nothing', async () => {
      const { state, ids, name } = await accepted(1);
      const writer = writerOf(log, state);
      const id = first(ids);
      expect(await writer.propose(id, [of(id, succeeded(1))])).toBeUndefined();
      expect(await writer.propose('unknown', [of('unknown', running(1))])).toBeUndefined();
      expect(await log.read(name, NO_APPENDS)).toEqual([]);
      expect(await writer.propose(id, [of(id, running(1))])).toEqual(['execute']);
    });

    test('appends a proposal as a whole or not at all (PROP2)', async () => {
      const { state, ids, name } = await accepted(2);
      const writer = writerOf(log, state);
      const [one = '', two = ''] = ids;
      const proposals = [
        writer.propose(one, [of(one, running(1)), of(one, succeeded(2))]),
        writer.propose(two, [of(two, running(1)), of(two, succeeded(1)), of(two, notified())]),
      ];
      expect(await Promise.all(proposals)).toEqual([undefined, ['execute', 'publishResult', 'deliverOutcome']]);
      expect((await log.read(name, NO_APPENDS)).flatMap(({ facts }) => facts.map(({ invocation }) => invocation))).toEqual([two, two, two]);
    });

    test('judges proposals in their order, each after the one before', async () => {
      const { state, ids } = await accepted(1);
      const writer = writerOf(log, state);
      const id = first(ids);
      const proposals = [running(1), retrying(1), running(2, { at: 20 }), succeeded(1), succeeded(2)].map((fact) =>
        writer.propose(id, [of(id, fact)]),
      );
      const effects = await Promise.all(proposals);
      expect(effects).toEqual([['execute'], ['wakeWhenDue'], ['execute'], undefined, ['publishResult', 'deliverOutcome']]);
    });

    test('after a conflict folds the newer facts, drops the refused proposals and appends the others (PROP3)', async () => {
      const { state, ids, name } = await accepted(2);
      const [one = '', two = ''] = ids;
      const theirs = append([of(one, running(1, { worker: 'w2' }))], { request: state.request.sequence });
      const writer = writerOf(
        withRival(log, (previous) => (previous === NO_APPENDS ? theirs : undefined)),
        state,
      );
      const proposals = [one, two].map((id) => writer.propose(id, [of(id, running(1))]));
      expect(await Promise.all(proposals)).toEqual([undefined, ['execute']]);
      expect(writer.state.invocations.get(one)?.context.worker).toBe('w2');
      expect(writer.state.invocations.get(two)?.context.worker).toBe('w1');
      expect((await log.read(name, NO_APPENDS)).map(({ by }) => by)).toEqual(['test', 'w1']);
    });

    test('appends in the end although a rival is faster several times', async () => {
      const { state, ids, name } = await accepted(9);
      const [mine = '', ...others] = ids;
      const left = [...others];
      const rival = (previous: StreamVersion) => {
        const next = left.shift();
        return next === undefined
          ? undefined
          : append([of(next, running(1, { worker: 'w2' }))], { previous, request: state.request.sequence });
      };
      const writer = writerOf(withRival(log, rival), state);
      expect(await writer.propose(mine, [of(mine, running(1))])).toEqual(['execute']);
      expect((await log.read(name, NO_APPENDS)).map(({ by }) => by)).toEqual([...others.map(() => 'test'), 'w1']);
    });

    test('continues with the owning request when the stream belongs to another request of its id', async () => {
      const name = ownStream();
      const id = name.stream as string as RequestId;
      const { sequence: owner } = await log.accept(name, [{ id, payload: '"first"' }]);
      const { sequence: repetition } = await log.accept(name, [{ id, payload: '"second"' }]);
      const theirs = append([of(id, running(1, { worker: 'w2' }))], { request: owner });
      const state = await loadStream(log, name, repetition);
      if (state === undefined) throw new Error('the request is not there');
      await log.append(name, theirs, {});
      const writer = writerOf(log, state);
      expect(await writer.propose(id, [of(id, running(1))])).toBeUndefined();
      expect(writer.state.request).toMatchObject({ sequence: owner, requests: [{ payload: '"first"' }] });
      await writer.propose(id, [of(id, failed(1))]);
      expect((await log.read(name, NO_APPENDS)).map(({ request }) => request)).toEqual([owner, owner]);
    });

    test('lets exactly one of eight workers execute each attempt (E5)', async () => {
      const { state, ids, name } = await accepted(16);
      const writers = Array.from({ length: 8 }, (_, index) => writerOf(index % 2 === 0 ? log : opened.other, state));
      const won = await Promise.all(
        writers.flatMap((writer, index) =>
          ids.map(async (id) => ({ id, effects: await writer.propose(id, [of(id, running(1, { worker: `w${index}` }))]) })),
        ),
      );
      for (const id of ids) expect(won.filter((bid) => bid.id === id && bid.effects !== undefined)).toHaveLength(1);
      const facts = (await log.read(name, NO_APPENDS)).flatMap((stored) => stored.facts);
      expect(facts.map(({ invocation }) => invocation).sort()).toEqual([...ids].sort());
    });

    test('splits proposals that do not fit one append, in order, and loses none', async () => {
      const { state, ids, name } = await accepted(8);
      const watched = watchLog(withMaxBytes(log, 20_000));
      const writer = writerOf(watched, state);
      const payload = JSON.stringify('x'.repeat(8_000));
      const proposals = ids.map((id) => writer.propose(id, [of(id, running(1)), of(id, succeeded(1, { payload }))]));
      for (const effects of await Promise.all(proposals)) expect(effects).toEqual(['execute', 'publishResult', 'deliverOutcome']);
      const appends = await log.read(name, NO_APPENDS);
      expect(appends.length).toBeGreaterThan(1);
      for (const { facts } of appends) expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThan(20_000);
      expect(appends.flatMap(({ facts }) => facts.map(({ invocation }) => invocation))).toEqual(ids.flatMap((id) => [id, id]));
    });

    test('counts long destinations when it splits', async () => {
      const { state, ids, name } = await accepted(8);
      const writer = writerOf(withMaxBytes(log, 20_000), state);
      const long = { ...billing, param: JSON.stringify({ func_urn: 'x'.repeat(4_000) }) };
      const start = running(1, { terms: { ...terms, onSuccess: [long] } });
      await Promise.all(ids.map((id) => writer.propose(id, [of(id, start), of(id, succeeded(1, { destinations: [long] }))])));
      const appends = await log.read(name, NO_APPENDS);
      expect(appends.flatMap(({ facts }) => facts)).toHaveLength(16);
      for (const { facts } of appends) expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThan(20_000);
    });

    test('never lets a small proposal overtake a large one of the same invocation', async () => {
      const { state, ids } = await accepted(2);
      const [one = '', two = ''] = ids;
      const writer = writerOf(withMaxBytes(log, 20_000), state);
      const payload = JSON.stringify('x'.repeat(15_000));
      const proposals = [
        writer.propose(one, [of(one, running(1)), of(one, succeeded(1, { payload }))]),
        writer.propose(two, [of(two, running(1)), of(two, succeeded(1, { payload }))]),
        writer.propose(two, [of(two, notified())]),
      ];
      expect((await Promise.all(proposals)).map((effects) => effects !== undefined)).toEqual([true, true, true]);
      expect(writer.state.invocations.get(two)?.value).toBe('notified');
    });

    test('rejects a proposal whose append is unknown, and every later one (PROP2)', async () => {
      const { state, ids, name } = await accepted(2);
      const [one = '', two = ''] = ids;
      let isBroken = true;
      const watched = watchLog(losingAnswers(log, () => isBroken));
      const letThrough = watched.hold();
      const writer = writerOf(watched, state);
      const early = writer.propose(one, [of(one, running(1))]).catch((error: unknown) => error);
      await until(() => watched.appends.length === 1);
      const later = writer.propose(two, [of(two, running(1))]).catch((error: unknown) => error);
      letThrough();
      expect(await early).toMatchObject({ code: 'UNKNOWN_OUTCOME' });
      expect(await later).toMatchObject({ code: 'UNKNOWN_OUTCOME' });
      isBroken = false;
      await expect(writer.propose(two, [of(two, running(1))])).rejects.toMatchObject({ code: 'UNKNOWN_OUTCOME' });
      expect(watched.appends).toHaveLength(1);
      // The next writer reads the log, which holds the fact exactly once.
      const reloaded = await loadStream(log, name, state.request.sequence);
      if (reloaded === undefined) throw new Error('the stream is gone');
      const next = writerOf(log, reloaded);
      expect(await next.propose(one, [of(one, running(1))])).toBeUndefined();
      expect(await next.propose(two, [of(two, running(1))])).toEqual(['execute']);
      expect((await log.read(name, NO_APPENDS)).map(({ facts }) => facts[0]?.invocation)).toEqual([one, two]);
    });

    describeLag(() => log);
  });
}
