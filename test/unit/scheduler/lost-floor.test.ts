import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { readFloor, SCHEDULER_FLOOR } from '#src/core/ports/stores/saved-floor.ts';
import { type Scheduler, startScheduler } from '#src/scheduler/scheduler.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { accept, newStream } from '#test/support/log/opened-log.ts';
import { schedulerOptions } from '#test/support/scheduler/scheduler-options.ts';

/** A scheduler that has read the whole log, and saves its floor when it stops. */
async function opened(log: MemoryLog, state: KeyValue, clock: ReturnType<typeof createVirtualClock>): Promise<Scheduler> {
  const scheduler = await startScheduler(schedulerOptions(log, { state, clock: clock.polling }));
  await setImmediate();
  return scheduler;
}

async function closed(scheduler: Scheduler, clock: ReturnType<typeof createVirtualClock>): Promise<void> {
  const stopped = scheduler.stop();
  clock.moveTo(clock.now());
  await stopped;
}

test('a scheduler that starts after a loss finds requests below its saved floor (MARK1)', async () => {
  const clock = createVirtualClock(1_000);
  const log = createMemoryLog({ clock, isDense: true });
  const state = createMemoryKeyValue();
  for (let count = 0; count < 3; count++) log.hints.wake(newStream(), 1, `${count}`);
  await closed(await opened(log, state, clock), clock);
  expect(await readFloor(state, SCHEDULER_FLOOR)).toBe(4);

  log.loseFrom(2);
  clock.moveTo(2_000);
  const hidden = await accept(log, newStream());
  for (let count = 0; count < 5; count++) log.hints.wake(newStream(), 1, `again ${count}`);
  const scheduler = await opened(log, state, clock);
  expect([...scheduler.open.values()].map(({ request }) => request)).toEqual([hidden]);
  await closed(scheduler, clock);
  expect(await readFloor(state, SCHEDULER_FLOOR)).toBe(hidden);
});

test('a scheduler reads a log that lost nothing from its floor on', async () => {
  const clock = createVirtualClock(1_000);
  const log = createMemoryLog({ clock, isDense: true });
  const state = createMemoryKeyValue();
  const [first] = [await accept(log, newStream()), log.hints.wake(newStream(), 1, 'a')];
  await closed(await opened(log, state, clock), clock);
  let from = 0;
  const follow: MemoryLog['follow'] = (given, ...rest) => {
    from = given;
    return log.follow(given, ...rest);
  };
  await closed(await opened({ ...log, follow } as MemoryLog, state, clock), clock);
  expect(from).toBe(first);
});
