import { beforeEach, describe, expect, test } from 'vitest';
import { explain } from '#src/analysis/explain/explain.ts';
import { Verifier } from '#src/analysis/verify/verify.ts';
import { defineFunction } from '#src/client/worker/define-function.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

const ran: unknown[] = [];
const report = defineFunction({
  name: 'report',
  policy: { maxAgeInSeconds: 60, maxRetries: 0 },
  handler: (event: unknown) => void ran.push(event),
});
beforeEach(() => {
  ran.length = 0;
});

const open = (): Promise<TestSequent> => createTestSequent({ functions: [report] });

async function typesOf(sequent: TestSequent, id: string): Promise<string[]> {
  return (await sequent.timeline(id)).transitions.map(({ fact }) => fact.type);
}

describe('a delayed request', () => {
  test('is queued until it is due, and starts then: not a millisecond earlier (T1)', async () => {
    await using sequent = await open();
    const startAt = sequent.clock.now() + 10 * MINUTE;
    const { requestId } = await sequent.invoke(report, 1, { delay: '10m' });
    await sequent.advance(10 * MINUTE - 1);
    expect(await sequent.timeline(requestId)).toMatchObject({ state: 'queued', attempts: 0 });
    await sequent.advance(1);
    const { transitions, state } = await sequent.timeline(requestId);
    expect(state).toBe('notified');
    expect(transitions[0]?.fact).toMatchObject({ type: 'queued', dueAt: startAt });
    expect(transitions[1]?.fact).toMatchObject({ type: 'running', at: startAt });
  });

  test('may be due in 366 days, and its maximum age counts from then', async () => {
    await using sequent = await open();
    const at = new Date(sequent.clock.now() + 366 * DAY);
    const { requestId } = await sequent.invoke(report, 1, { at });
    await sequent.advance(366 * DAY - 1);
    expect(await typesOf(sequent, requestId)).toEqual(['queued']);
    await sequent.advance(1);
    expect(await typesOf(sequent, requestId)).toEqual(['queued', 'running', 'succeeded', 'notified']);
  });

  test('shares a message with others that are due at the same time, and each of them ends', async () => {
    await using sequent = await open();
    const delays = ['5m', '5m', '5m', '6m', undefined] as const;
    await Promise.all(delays.map((delay, event) => sequent.invoke(report, event, delay === undefined ? {} : { delay })));
    expect(ran).toEqual([4]);
    await sequent.advance(5 * MINUTE);
    expect([...ran].sort()).toEqual([0, 1, 2, 4]);
    await sequent.runUntilIdle();
    expect([...ran].sort()).toEqual([0, 1, 2, 3, 4]);
    const messages: FullLogEntry[] = [];
    const reading = new AbortController();
    void sequent.log.followFully(1, (entry) => messages.push(entry), reading.signal);
    await sequent.advance(1);
    reading.abort();
    expect(messages.filter(({ kind }) => kind === 'request')).toHaveLength(3);
    const verifier = new Verifier();
    for (const entry of messages) verifier.read(entry);
    expect(verifier.finish().findings).toEqual([]);
  });

  test('that is cancelled never runs, and its result is published at once', async () => {
    await using sequent = await open();
    const { requestId } = await sequent.invoke(report, 1, { delay: '10m' });
    await sequent.advance(MINUTE);
    await sequent.cancel(requestId);
    await sequent.advance(100);
    expect(sequent.results()).toMatchObject([{ requestId, outcome: 'failed' }]);
    await sequent.advance(DAY);
    expect(ran).toEqual([]);
    expect(await typesOf(sequent, requestId)).toEqual(['queued', 'failed', 'notified']);
  });

  test('of a paused function waits on, and ends by its age, which counts from its due time', async () => {
    await using sequent = await open();
    const { definition } = await sequent.functions.get('report');
    await sequent.functions.put({ ...definition, paused: true });
    const { requestId } = await sequent.invoke(report, 1, { delay: '10m' });
    await sequent.advance(11 * MINUTE - 1);
    expect(await typesOf(sequent, requestId)).toEqual(['queued']);
    await sequent.advance(10_000);
    const { envelope } = await sequent.timeline(requestId);
    expect(envelope?.request_context.condition).toBe('EventAgeExceeded');
    expect(envelope?.response_payload).toContain('within 60 s after the request was due');
  });

  test('for a function that is deleted before it is due fails then, and not earlier', async () => {
    await using sequent = await open();
    const { requestId } = await sequent.invoke(report, 1, { delay: '10m' });
    await sequent.functions.delete('report');
    await sequent.advance(10 * MINUTE - 1);
    expect(await typesOf(sequent, requestId)).toEqual(['queued']);
    await sequent.advance(MINUTE);
    expect((await sequent.timeline(requestId)).envelope?.request_context.condition).toBe('FunctionNotFound');
  });

  test('is explained: until when it waits, and why it started', async () => {
    await using sequent = await open();
    const { requestId } = await sequent.invoke(report, 1, { at: '2026-01-01T00:10:00Z' });
    const texts = async (): Promise<string> =>
      explain(await sequent.timeline(requestId), sequent.clock.now())
        .map(({ text }) => text)
        .join('\n');
    await sequent.advance(4 * MINUTE);
    expect(await texts()).toContain('It waits until 2026-01-01T00:10:00.000Z: its first attempt is due in 6 min.');
    await sequent.runUntilIdle();
    expect(await texts()).toContain('It was delayed: its first attempt is due in 10 min, at 2026-01-01T00:10:00.000Z.');
    expect(await texts()).toContain('when it was due.');
  });

  test('shares its id with one that is due first: the latter starts, and the former starts nothing', async () => {
    await using sequent = await open();
    const id = 'order-7';
    for (const [event, delay] of [
      [1, '10m'],
      [2, '5m'],
      [3, '10m'],
    ] as const)
      await sequent.invoke(report, event, { id, delay });
    await sequent.advance(5 * MINUTE - 1);
    expect(ran).toEqual([]);
    await sequent.runUntilIdle();
    await sequent.advance(DAY);
    expect(ran).toHaveLength(1);
    expect(await typesOf(sequent, id)).toEqual(['queued', 'running', 'succeeded', 'notified']);
  });

  test('cannot be one whose caller waits', async () => {
    await using sequent = await open();
    await expect(sequent.invoke(report, 1, { delay: 1, synchronous: true })).rejects.toThrow(/cannot be delayed/);
  });
});
