import { beforeEach, describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { invocationFolder } from '#machines/invocation.ts';
import { parseWaits } from '#src/core/flow/stream-waits.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import { loadStream, wakeTimesOf } from '#src/core/stream/stream.ts';
import {
  alarm,
  billing,
  deferred,
  deliveryDelivered,
  deliveryFailed,
  deliveryStarted,
  notified,
  queued,
  retrying,
  running,
  succeeded,
} from '#test/support/log/facts.ts';
import { fold } from '#test/support/log/given.ts';
import { append, ownStream } from '#test/support/log/opened-log.ts';

describe('loadStream', () => {
  let log: MemoryLog;
  const name = ownStream();
  const id = name.stream as string as RequestId;
  beforeEach(() => {
    log = createMemoryLog({ clock: { now: () => 7 } });
  });

  test('folds the appends over the request', async () => {
    const { sequence } = await log.accept(name, [{ id, payload: '1' }]);
    const stored = await log.append(name, append([running(1, { invocation: id })], { request: sequence }), {});
    const state = await loadStream(log, name, sequence);
    expect(state).toMatchObject({ name, version: stored?.version, request: { sequence } });
    expect(state?.invocations.get(id)?.value).toBe('running');
  });

  test('uses the request that the first append names, not the given one of the same id', async () => {
    const { sequence: first } = await log.accept(name, [{ id, payload: '"first"' }]);
    const { sequence: second } = await log.accept(name, [{ id, payload: '"second"' }]);
    await log.append(name, append([running(1, { invocation: id })], { request: first }), {});
    for (const asked of [second, await log.readRequest(second), undefined]) {
      expect((await loadStream(log, name, asked))?.request.requests[0]?.payload).toBe('"first"');
    }
  });

  test('returns undefined without a request', async () => {
    expect(await loadStream(log, name)).toBeUndefined();
    expect(await loadStream(log, name, 99)).toBeUndefined();
  });

  test('refuses a request of another stream, or of another function', async () => {
    const { sequence } = await log.accept(name, [{ id, payload: '1' }]);
    expect(await loadStream(log, ownStream(), sequence)).toBeUndefined();
    expect(await loadStream(log, { ...name, function: 'billing' as FunctionName }, sequence)).toBeUndefined();
  });

  test('ignores facts that the machine refuses', async () => {
    const { sequence } = await log.accept(name, [{ id, payload: '1' }]);
    const facts = [succeeded(1, { invocation: id }), running(1, { invocation: 'unknown' }), running(1, { invocation: id })];
    const stored = await log.append(name, append(facts, { request: sequence, previous: NO_APPENDS }), {});
    const state = await loadStream(log, name, sequence);
    expect(state?.version).toBe(stored?.version);
    expect(state?.invocations.get(id)?.context).toMatchObject({ attempts: 1, outcome: null });
  });
});

describe('the wake times of a stream', () => {
  const wakeTimes = (...histories: Fact[][]) =>
    wakeTimesOf(new Map(histories.map((history, index) => [String(index), fold(invocationFolder, history)])));

  test('name the slots that invocations wait for, and whether others are open', () => {
    const waiting = [queued({ at: 5 }), deferred({ flow: { pool: 'pool.erp', key: 'a/b,ä' } })];
    const { waitsFor = '', ...others } = wakeTimes(waiting, [queued(), running(1), succeeded(1), notified()]);
    expect(others).toEqual({ inProgressSince: 5 });
    expect(waitsFor).toMatch(/^[!-~]+$/);
    const waits = [{ index: 0, attempt: 1, pool: 'pool.erp', key: 'a/b,ä' }];
    expect(parseWaits(waitsFor)).toEqual({ hasOthers: false, waits, grouped: [] });
    expect(parseWaits(wakeTimes(waiting, [queued()]).waitsFor ?? '').hasOthers).toBe(true);
    expect(wakeTimes([...waiting, running(1)]).waitsFor).toBeUndefined();
  });

  test('are empty for a notified invocation', () => {
    expect(wakeTimes([queued(), running(1), succeeded(1), notified()])).toEqual({});
  });

  test('are the progress since acceptance or start for a queued or running invocation', () => {
    expect(wakeTimes([queued({ at: 5 })])).toEqual({ inProgressSince: 5 });
    expect(wakeTimes([queued({ at: 5 }), running(1, { at: 9 })])).toEqual({ inProgressSince: 9 });
  });

  test('are the due time and the end of age for a retry', () => {
    expect(wakeTimes([queued({ at: 5 }), running(1), retrying(1, { dueAt: 1_000 })])).toEqual({ dueAt: 1_000, endsAt: 60_005 });
  });

  test('of several invocations are the earliest of each', () => {
    const waits = (dueAt: number): Fact[] => [queued(), running(1), retrying(1, { dueAt })];
    expect(wakeTimes(waits(900), waits(500), [queued({ at: 3 })], [queued({ at: 2 })])).toEqual({
      dueAt: 500,
      endsAt: 60_000,
      inProgressSince: 2,
    });
  });

  test('are the progress of open deliveries, and the due time of the next try', () => {
    const delivering = [queued(), running(1), succeeded(1, { at: 30, destinations: [billing, alarm] })];
    expect(wakeTimes(delivering)).toEqual({ inProgressSince: 30 });
    expect(wakeTimes([...delivering, deliveryStarted(1), deliveryFailed(1, { dueAt: 60 })])).toMatchObject({ deliverAt: 60 });
    const other = { destination: alarm.id };
    const waiting = [
      ...delivering,
      deliveryStarted(1),
      deliveryDelivered(1),
      deliveryStarted(1, other),
      deliveryFailed(1, { ...other, dueAt: 70 }),
    ];
    expect(wakeTimes(waiting)).toEqual({ deliverAt: 70 });
  });
});
