import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { type Verification, Verifier } from '#src/analysis/verify/verify.ts';
import { type EventLog, type FullLogEntry, type LogEntry, NO_APPENDS, type StreamName } from '#src/core/log/event-log.ts';
import type { RequestId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream, readStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { notified, running, succeeded } from '#test/support/log/facts.ts';
import { accept, acceptStream, appendId, collect, newStream, ownStream } from '#test/support/log/opened-log.ts';

/** A log that can lose its last messages, as a server does in a power cut. */
export interface LosingLog extends AsyncDisposable {
  readonly log: EventLog;
  /** The same log for a process that does not notice the loss. */
  readonly unaware: EventLog;
  /** Makes the present messages safe from the next loss. */
  keep(): Promise<void>;
  /** Loses all later messages. Their sequences are used again. */
  lose(): Promise<void>;
}

/** The rules for a log that went backwards (LINK1, LINK2, LINK4). */
export function describeLostTail(title: string, open: () => Promise<LosingLog>): void {
  describe(`a log that lost its last messages, ${title}`, () => {
    let opened: LosingLog;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    const writerOf = (log: EventLog, state: StreamState, by: string): StreamWriter =>
      new StreamWriter({ log, state, by, appendId, clock: systemClock });
    const ofStream = ({ stream }: StreamName, fact: Fact): Fact => ({ ...fact, invocation: stream });
    const propose = (writer: StreamWriter, ...facts: Fact[]) =>
      writer.propose(
        writer.state.name.stream,
        facts.map((fact) => ofStream(writer.state.name, fact)),
      );

    /** One process appends `running`; the append is lost, and another process gets its sequence for the same stream. */
    async function useSequenceTwice(
      log: EventLog,
    ): Promise<{ stale: StreamWriter; present: StreamWriter; name: StreamName; request: number }> {
      const { state, name } = await acceptStream(opened.log, 1);
      await opened.keep();
      const stale = writerOf(log, state, 'stale');
      await propose(stale, running(1, { worker: 'stale' }));
      await opened.lose();
      const present = writerOf(opened.log, (await loadStream(opened.log, name, state.request.sequence)) as StreamState, 'present');
      await propose(present, running(1, { worker: 'present' }));
      expect(present.state.version).toBe(stale.state.version);
      return { stale, present, name, request: state.request.sequence };
    }

    const acceptedTypes = async (name: StreamName): Promise<string[]> =>
      ((await readStream(opened.log, name))?.accepted ?? []).flatMap(({ by, facts }) => facts.map(({ type }) => `${by}: ${type}`));

    test('counts no append of a process that did not notice, and the stream is notified once', async () => {
      const { stale, present, name, request } = await useSequenceTwice(opened.unaware);
      await propose(stale, succeeded(1, { payload: '"stale"' }), notified());
      expect(await opened.log.read(name, NO_APPENDS)).toMatchObject([
        { by: 'present' },
        { by: 'stale', facts: [{ payload: '"stale"' }, {}] },
      ]);
      expect((await loadStream(opened.log, name, request))?.invocations.get(name.stream)?.value).toBe('running');

      expect(await propose(present, succeeded(1, { payload: '"present"' }), notified())).toEqual(['publishResult', 'deliverOutcome']);
      expect(await acceptedTypes(name)).toEqual(['present: running', 'present: succeeded', 'present: notified']);
      const { findings } = await verify(opened.log, name);
      expect(findings.map(({ kind }) => kind)).toEqual(['wrong-link']);
    });

    test('is read by a process that gets a newer state without a fact that the process knows', async () => {
      const { stale, present, name } = await useSequenceTwice(opened.unaware);
      await propose(stale, succeeded(1, { payload: '"stale"' }));
      await present.refresh(stale.state);
      expect(present.state.version).toBe(stale.state.version);
      expect(present.state.invocations.get(name.stream)?.value).toBe('running');
      expect(present.state.facts).toMatchObject([{ type: 'running', worker: 'present' }]);
      expect(await propose(present, succeeded(1), notified())).toEqual(['publishResult', 'deliverOutcome']);
    });

    test('is read again by a process that noticed, before its next append', async () => {
      const { stale, present, name } = await useSequenceTwice(opened.log);
      expect(await propose(stale, succeeded(1), notified())).toEqual(['publishResult', 'deliverOutcome']);
      expect(await propose(present, succeeded(1), notified())).toBeUndefined();
      expect(await acceptedTypes(name)).toEqual(['present: running', 'stale: succeeded', 'stale: notified']);
      expect((await verify(opened.log, name)).findings).toEqual([]);
    });

    test('counts no first append about a lost request, and the repeated request runs', async () => {
      const name = ownStream();
      const id = name.stream as string as RequestId;
      await opened.keep();
      const lost = await accept(opened.log, name, { id, payload: '"lost"' });
      const stale = writerOf(opened.unaware, (await loadStream(opened.log, name, lost)) as StreamState, 'stale');
      await opened.lose();
      const repeated = await accept(opened.log, name, { id, payload: '"repeated"' });
      expect(repeated).toBe(lost);
      await propose(stale, running(1));
      const state = (await loadStream(opened.log, name, repeated)) as StreamState;
      expect(state.invocations.get(id)?.value).toBe('queued');
      await propose(writerOf(opened.log, state, 'present'), running(1), succeeded(1), notified());
      expect(await acceptedTypes(name)).toEqual(['present: running', 'present: succeeded', 'present: notified']);
      expect((await verify(opened.log, name)).findings.map(({ kind }) => kind)).toEqual(['wrong-link']);
    });

    test('is verified with one finding when an append about a lost request precedes the repeated request', async () => {
      const name = ownStream();
      const id = name.stream as string as RequestId;
      await opened.keep();
      const lost = await accept(opened.log, name, { id, payload: '"lost"' });
      const stale = writerOf(opened.unaware, (await loadStream(opened.log, name, lost)) as StreamState, 'stale');
      await opened.lose();
      await propose(stale, running(1));
      const repeated = await accept(opened.log, name, { id, payload: '"repeated"' });
      const state = (await loadStream(opened.log, name, repeated)) as StreamState;
      await propose(writerOf(opened.log, state, 'present'), running(1), succeeded(1), notified());
      expect(await acceptedTypes(name)).toEqual(['present: running', 'present: succeeded', 'present: notified']);
      expect((await verify(opened.log, name)).findings.map(({ kind }) => kind)).toEqual(['unknown-request']);
    });

    test('is delivered again from its first message to a reader of a lost message', async () => {
      await opened.keep();
      const before = await opened.log.lastSequence();
      const lost = await accept(opened.log, newStream());
      const read: number[] = [];
      const stop = new AbortController();
      const following = opened.log.follow(before, ({ sequence }) => read.push(sequence), stop.signal);
      await expect.poll(() => read).toEqual([before, lost]);
      await opened.lose();
      const replacing = [await accept(opened.log, newStream()), await accept(opened.log, newStream())];
      expect(replacing[0]).toBe(lost);
      await expect.poll(() => read.at(-1), { timeout: 10_000 }).toBe(replacing[1]);
      stop.abort();
      await following;
      expect(read.filter((sequence) => sequence === lost)).toHaveLength(2);
    });

    test('is delivered from its first message to a reader that starts behind its end', async () => {
      const last = await accept(opened.log, newStream());
      const read = await collect<LogEntry>(
        (on, signal) => opened.log.follow(last + 1_000, on, signal),
        ({ sequence }) => sequence >= last,
      );
      expect(read[0]?.sequence).toBe(1);
    });

    test('is given up by the writer of a stream whose request is lost', async () => {
      await opened.keep();
      const { state } = await acceptStream(opened.log, 1);
      const writer = writerOf(opened.log, state, 'stale');
      await opened.lose();
      await expect(propose(writer, running(1))).rejects.toMatchObject({ code: 'STREAM_LOST' });
    });
  });
}

/** Verifies the messages of one stream. */
async function verify(log: EventLog, name: StreamName): Promise<Verification> {
  const last = await log.lastSequence();
  const entries = await collect<FullLogEntry>(
    (on, signal) => log.followFully(1, on, signal),
    ({ sequence }) => sequence >= last,
  );
  const verifier = new Verifier();
  for (const entry of entries) {
    const owner = entry.kind === 'request' ? entry.message.name : entry.kind === 'append' ? entry.name : undefined;
    if (owner?.stream === name.stream) verifier.read(entry);
  }
  return verifier.finish();
}
