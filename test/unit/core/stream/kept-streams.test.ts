import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import type { StreamVersion } from '#src/core/log/event-log.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createKeptStreams } from '#src/core/stream/kept-streams.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { terms } from '#test/support/log/facts.ts';
import { acceptStream, append } from '#test/support/log/opened-log.ts';

const NOW = 1_000;
const clock = { now: () => NOW };
let epoch = 0;
const options = { clock, log: { epoch: () => epoch } };
const failure = { kind: 'function', errorType: 'Error', message: 'no', code: 4_002 } as const;

/** A stream of two: the first waits for its retry, the second is settled. */
async function openStream({ dueAt = NOW + 100, payload = '"done"' } = {}): Promise<{ state: StreamState; ids: string[] }> {
  const log = createMemoryLog({ clock });
  const { name, ids } = await acceptStream(log, 2);
  const [first = '', second = ''] = ids;
  const running = (id: string): Fact => ({
    type: 'running',
    invocation: id,
    at: NOW,
    attempt: 1,
    worker: 'w',
    terms: { ...terms, maxRetries: 1 },
  });
  const facts: Fact[] = [
    running(first),
    running(second),
    { type: 'retrying', invocation: first, at: NOW, attempt: 1, dueAt, failure },
    { type: 'succeeded', invocation: second, at: NOW, attempt: 1, payload },
    { type: 'notified', invocation: second, at: NOW },
  ];
  await log.append(name, append(facts), {});
  const state = await loadStream(log, name, 1);
  if (state === undefined) throw new Error('the stream is not there');
  // As the process has it that wrote the append.
  return { state: { ...state, outcomesRead: new Map() }, ids };
}

function wake({ name, version }: StreamState, known: number = version): WorkItem {
  const none = (): void => {};
  const answers = { ack: none, working: none, release: none, delayRedelivery: none };
  return { name, request: 1, sequence: version + 1, version: known as StreamVersion, isFirstDelivery: false, ...answers };
}

describe('a kept stream', () => {
  test('gives a wake its open invocations, once', async () => {
    const { state, ids } = await openStream();
    const kept = createKeptStreams(options);
    kept.keep(state);
    const taken = kept.take(wake(state)) as StreamState;
    expect([...taken.invocations.keys()]).toEqual([ids[0]]);
    expect(taken).toMatchObject({ name: state.name, version: state.version });
    expect(kept.take(wake(state))).toBeUndefined();
  });

  test('is not used by a wake whose sender knew a newer version, or by a request (KEEP2)', async () => {
    const { state } = await openStream();
    const kept = createKeptStreams(options);
    kept.keep(state);
    expect(kept.take({ ...wake(state), message: state.request })).toBeUndefined();
    expect(kept.take(wake(state, state.version + 1))).toBeUndefined();
  });

  test('is not used after the log went backwards', async () => {
    const { state } = await openStream();
    const kept = createKeptStreams(options);
    kept.keep(state);
    epoch++;
    expect(kept.take(wake(state))).toBeUndefined();
  });

  test('is not kept when its retry is due in more than a minute', async () => {
    const { state } = await openStream({ dueAt: NOW + 60_001 });
    const kept = createKeptStreams(options);
    kept.keep(state);
    expect(kept.take(wake(state))).toBeUndefined();
  });

  test('answers every late wake when nothing of it is left to do', async () => {
    const { state, ids } = await openStream();
    const settled = { ...state, invocations: new Map([...state.invocations].filter(([id]) => id === ids[1])) };
    const kept = createKeptStreams(options);
    kept.keep(settled);
    expect([kept.take(wake(state)), kept.take(wake(state))]).toEqual(['settled', 'settled']);
  });

  test('keeps an outcome of another process, whose result may be missing (KEEP1, PUB2)', async () => {
    const { state, ids } = await openStream();
    const kept = createKeptStreams(options);
    kept.keep({ ...state, outcomesRead: new Map([[ids[1] ?? '', state.version]]) });
    const taken = kept.take(wake(state)) as StreamState;
    expect(taken.outcomesRead?.get(ids[1] ?? '')).toBe(state.version);
    expect(taken.invocations.size).toBe(2);
  });

  test('gives way to a newer one when the memory is full (KEEP3)', async () => {
    const [one, other] = [await openStream(), await openStream()];
    const kept = createKeptStreams({ ...options, maxBytes: 5_000 });
    kept.keep(one.state);
    kept.keep(other.state);
    expect(kept.take(wake(one.state))).toBeUndefined();
    expect(kept.take(wake(other.state))).toBeDefined();
  });
});
