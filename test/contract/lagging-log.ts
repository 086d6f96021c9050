import { describe, expect, test } from 'vitest';
import { type EventLog, NO_APPENDS } from '#src/core/log/event-log.ts';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { running } from '#test/support/log/facts.ts';
import { watchLog, withLaggingReads, withRival } from '#test/support/log/faulty-log.ts';
import { acceptStream, append, appendId } from '#test/support/log/opened-log.ts';

/** The contract of the stream writer over a log whose reads lag behind its appends, or fail. */
export function describeLag(opened: () => EventLog): void {
  describe('whose reads lag behind', () => {
    const writerOf = (log: EventLog, state: StreamState, clock: Clock = systemClock): StreamWriter =>
      new StreamWriter({ log, state, by: 'w1', appendId, clock });
    const start = (invocation: string, worker = 'w1') => ({ ...running(1, { worker }), invocation });

    /** A clock on which every pause is over at once. */
    function hastyClock(): { clock: Clock; pauses: number[] } {
      const pauses: number[] = [];
      return { pauses, clock: { now: Date.now, sleep: async (ms) => void pauses.push(ms) } };
    }

    /** Two accepted invocations, and a log in which another worker starts the first one just before the writer's first append. */
    async function acceptWithRival() {
      const log = opened();
      const { state, ids, name } = await acceptStream(log, 2);
      const [one = '', two = ''] = ids;
      const theirs = append([start(one, 'w2')], { request: state.request.sequence });
      const rivalled = withRival(log, (previous) => (previous === NO_APPENDS ? theirs : undefined));
      return { log, state, name, one, two, rivalled };
    }

    test('reads again with growing pauses while the conflicting append is not readable', async () => {
      const { log, state, name, one, two, rivalled } = await acceptWithRival();
      const { clock, pauses } = hastyClock();
      const writer = writerOf(withLaggingReads(rivalled, 4), state, clock);
      const proposals = [one, two].map((id) => writer.propose(id, [start(id)]));
      expect(await Promise.all(proposals)).toEqual([undefined, ['execute']]);
      expect(pauses).toEqual([50, 100, 200, 400]);
      expect((await log.read(name, NO_APPENDS)).map(({ by }) => by)).toEqual(['test', 'w1']);
    });

    test('continues with the newer state of a refresh while the log does not show it', async () => {
      const log = opened();
      const { state, ids, name } = await acceptStream(log, 2);
      const [one = '', two = ''] = ids;
      await log.append(name, append([start(one, 'w2')], { request: state.request.sequence }), {});
      const newer = await loadStream(log, name, state.request);
      const clock: Clock = { now: Date.now, sleep: async () => void (await writer.refresh(newer)) };
      const writer: StreamWriter = writerOf(withLaggingReads(log, Number.POSITIVE_INFINITY), state, clock);
      expect(await writer.propose(two, [start(two)])).toEqual(['execute']);
      expect(writer.state.invocations.get(one)?.context.worker).toBe('w2');
    });

    test('breaks after 6.35 s in which the log refuses its version and shows nothing newer', async () => {
      const { log, state, name, one, two, rivalled } = await acceptWithRival();
      const { clock, pauses } = hastyClock();
      const writer = writerOf(withLaggingReads(rivalled, Number.POSITIVE_INFINITY), state, clock);
      const proposals = [one, two].map((id) => writer.propose(id, [start(id)]));
      for (const proposal of await Promise.allSettled(proposals))
        expect(proposal).toMatchObject({ status: 'rejected', reason: { code: 'LOG_BEHIND', retryable: true } });
      expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBe(6_350);
      await expect(writer.propose(two, [start(two)])).rejects.toMatchObject({ code: 'LOG_BEHIND' });
      expect((await log.read(name, NO_APPENDS)).map(({ by }) => by)).toEqual(['test']);
    });

    test('reads the stream again after a failed read, also for callers that waited for the next read', async () => {
      const log = opened();
      const { state, ids, name } = await acceptStream(log, 1);
      const [id = ''] = ids;
      let failures = 1;
      const read: EventLog['read'] = async (...given) => {
        if (failures-- > 0) throw new Error('the log does not answer');
        return log.read(...given);
      };
      const writer = writerOf({ ...watchLog(log), read }, state);
      await log.append(name, append([start(id, 'w2')], { request: state.request.sequence }), {});
      const refreshes = await Promise.allSettled([writer.refresh(), writer.refresh(), writer.refresh()]);
      expect(refreshes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
      expect(writer.state.invocations.get(id)?.context.worker).toBe('w2');
    });
  });
}
