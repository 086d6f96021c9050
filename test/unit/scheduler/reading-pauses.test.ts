import { expect, test } from 'vitest';
import { createSlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { schedulerOptions } from '#test/support/scheduler/scheduler-options.ts';

test('a scheduler may pause its reading, but not while an attempt holds a slot (H24)', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const flow = createMemoryKeyValue();
  let pauseInMs: (() => number) | undefined;
  const follow: typeof log.follow = (from, onEntry, signal, pause) => {
    pauseInMs = pause;
    return log.follow(from, onEntry, signal);
  };
  const scheduler = await startScheduler(schedulerOptions({ ...log, follow }, { clock: systemClock, flow }));
  const closing = new AbortController();
  const ledger = createSlotLedger({ store: flow, clock: systemClock, signal: closing.signal, logger: silentLogger, epoch: log.epoch });
  const waiter = { function: 'orders', invocation: 'order-1', attempt: 1, request: 1, key: '', total: 1 };
  expect(pauseInMs?.()).toBe(40);
  expect(await ledger.acquire('function.orders' as PoolId, waiter, false)).toBe('held');
  await expect.poll(() => pauseInMs?.()).toBe(0);
  ledger.release('function.orders' as PoolId, waiter);
  await expect.poll(() => pauseInMs?.()).toBe(40);
  closing.abort();
  await ledger.close();
  await scheduler.stop();
});
