import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { running } from '#test/support/log/facts.ts';
import { accept, append, newStream } from '#test/support/log/opened-log.ts';
import { schedulerOptions } from '#test/support/scheduler/scheduler-options.ts';

test('a retry is woken when it is due, and not at the next look of a fixed period', async () => {
  const clock = createVirtualClock(1_000);
  const log = createMemoryLog({ clock });
  const wokenAt: number[] = [];
  const scheduler = await startScheduler(
    schedulerOptions(log, { clock, hints: { wake: () => void wokenAt.push(clock.now()), deliver: () => {} } }),
  );
  const moments = [1_037, 1_043, 1_044, 1_110];
  for (const dueAt of moments) {
    const name = newStream();
    await log.append(name, append([running(1)], { request: await accept(log, name) }), { dueAt });
  }
  while (clock.now() < 1_120) {
    await setImmediate();
    clock.moveTo(clock.nextAt);
  }
  // The retries that are due at almost the same time are woken together.
  expect(wokenAt).toEqual([1_037, 1_043, 1_048, 1_110]);
  const stopped = scheduler.stop();
  clock.moveTo(2_000);
  await stopped;
});
