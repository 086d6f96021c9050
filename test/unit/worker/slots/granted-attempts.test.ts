import { describe, expect, test } from 'vitest';
import type { Attempt } from '#src/core/flow/ledger-entry.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { createExecutionSlots } from '#src/worker/slots/execution-slots.ts';
import { GrantedAttempts } from '#src/worker/slots/granted-attempts.ts';

const pool = 'function.orders' as PoolId;
const attempt = { invocation: 'order-1', attempt: 1 };
const waiter = { ...attempt, function: 'orders', key: '', request: 1, total: 1 };

/** The attempts of a worker with one place, and the streams that it was asked to run. */
function open({ log, ledger = {} }: { log?: unknown; ledger?: object } = {}) {
  const slots = createExecutionSlots(1, () => {});
  const taken: WorkItem[] = [];
  const options = { functionName: 'orders' as FunctionName, slots, ledger: ledger as never, ports: { log } as never };
  return { slots, taken, granted: new GrantedAttempts({ ...options, take: (item) => void taken.push(item) }) };
}

describe('an attempt that gets a slot while it waits in the log (SLOT6)', () => {
  test('is started by a run of its stream, which takes over the slot and the place once', () => {
    const { granted, taken } = open();
    expect(granted.takeExecutionSlot()).toBe(true);
    granted.start(pool, waiter);
    expect(taken.map(({ name, request }) => [name.stream, request])).toEqual([['order-1', 1]]);
    // The run leaves the other invocations of the stream alone.
    expect(taken.map(({ grants }) => grants)).toEqual(['order-1']);
    expect(granted.claim(attempt)).toEqual({ slot: { pool, waiter } });
    expect(granted.claim(attempt)).toBeUndefined();
  });

  test('is started by the run that waits for the place that the attempt has by then', async () => {
    const { slots, granted, taken } = open();
    expect(granted.takeExecutionSlot()).toBe(true);
    const waiting = granted.placeFor(attempt);
    granted.start(pool, waiter);
    expect(await waiting).toEqual({ slot: { pool, waiter } });
    expect(taken).toEqual([]);
    // The place that the run waited for is given back.
    slots.release();
    await Promise.resolve();
    await Promise.resolve();
    expect([slots.held, slots.waiting]).toEqual([0, 0]);
  });

  test('gets a place in its turn when it has no slot, and none when the worker stops', async () => {
    const { slots, granted } = open();
    expect(await granted.placeFor(attempt)).toBe(true);
    const waiting = granted.placeFor({ ...attempt, attempt: 2 });
    slots.close();
    expect(await waiting).toBe(false);
  });

  test('is started by a second run from what the log says, when the first one knew of no wait for the slot', async () => {
    const log = createMemoryLog({ clock: systemClock });
    const name = { function: 'orders' as FunctionName, stream: 'order-1' as StreamId };
    const { sequence } = await log.accept(name, [{ payload: '{}', id: 'order-1' as RequestId }]);
    const { granted, taken } = open({ log, ledger: { leave: () => {} } });
    expect(granted.takeExecutionSlot()).toBe(true);
    granted.start(pool, { ...waiter, request: sequence });
    const [first] = taken;
    expect([first?.version, first?.state]).toEqual([0, undefined]);
    first?.ack();
    await expect.poll(() => taken.length).toBe(2);
    const read = await loadStream(log, name, sequence);
    expect(taken[1]).toMatchObject({ version: read?.version, state: { version: read?.version } });
  });

  test.for([
    [true, ['released', 'left']],
    [false, ['left']],
  ] as const)('and ends without a start frees its slot when its result is stored: %s (PUB3)', async ([isDone, expected]) => {
    const log = createMemoryLog({ clock: systemClock });
    const name = { function: 'orders' as FunctionName, stream: 'order-1' as StreamId };
    const { sequence } = await log.accept(name, [{ payload: '{}', id: 'order-1' as RequestId }]);
    const state = await loadStream(log, name, sequence);
    if (state === undefined) throw new Error('the request is not there');
    const writer = new StreamWriter({ log, state, by: 'w', appendId: () => 'a', clock: systemClock });
    const failure = { kind: 'platform' as const, errorType: 'TooOld', message: 'too old', code: 1 };
    await writer.propose('order-1', [
      { type: 'failed', invocation: 'order-1', at: Date.now(), attempt: 0, condition: 'EventAgeExceeded', failure },
    ]);
    const done: string[] = [];
    const ledger = { release: () => done.push('released'), leave: () => done.push('left') };
    const { granted, taken } = open({ log, ledger });
    granted.takeExecutionSlot();
    granted.start(pool, { ...waiter, request: sequence } as Attempt as never);
    const [item] = taken;
    if (isDone) item?.ack();
    else item?.release();
    await expect.poll(() => [...done].sort()).toEqual([...expected].sort());
  });
});
