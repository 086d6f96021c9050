import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { running, succeeded } from '#test/support/log/facts.ts';
import { acceptStream, appendId } from '#test/support/log/opened-log.ts';
import { schedulerOptions } from '#test/support/scheduler/scheduler-options.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

test('a delivery whose hints are all lost is hinted at again after a minute, then every 15 minutes', async () => {
  const clock = createVirtualClock(Date.now());
  const log = createMemoryLog({ clock });
  const { state, ids } = await acceptStream(log, 1);
  const [invocation = ''] = ids;
  const writer = new StreamWriter({ log, state, by: 'worker', appendId, clock });
  const destinations = [{ id: 'http-0', destination: 'HTTP' as const, param: 'https://example.com' }];
  const at = clock.now();
  await writer.propose(invocation, [{ ...running(1), invocation, at }]);
  await writer.propose(invocation, [{ ...succeeded(1, { destinations }), invocation, at }]);
  const hintedAt: number[] = [];
  const scheduler = await startScheduler(
    schedulerOptions(log, {
      clock: clock.polling,
      hints: { wake: () => {}, deliver: () => void hintedAt.push(clock.now() - at) },
      findFunction: (name) => Promise.reject(new FunctionNotFoundError({ name })),
      maxDeliveryAgeInMs: 24 * 60 * MINUTE,
    }),
  );
  for (let moves = 0; moves < 20; moves++) {
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    const [{ checkAt } = { checkAt: clock.now() }] = scheduler.open.values();
    if (Number.isFinite(checkAt)) clock.moveTo(checkAt);
  }
  const stopped = scheduler.stop();
  clock.moveTo(clock.now());
  await stopped;
  expect(hintedAt[0]).toBeLessThanOrEqual(5 * SECOND);
  const pauses = hintedAt.slice(1).map((after, index) => after - (hintedAt[index] as number));
  expect(pauses.slice(0, 5)).toEqual([1, 2, 4, 8, 15].map((minutes) => minutes * MINUTE));
  expect(Math.max(...pauses)).toBe(15 * MINUTE);
});
