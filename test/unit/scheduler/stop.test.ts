import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { accept, newStream } from '#test/support/log/opened-log.ts';
import { schedulerOptions } from '#test/support/scheduler/scheduler-options.ts';

const STREAMS = 500;

test('a scheduler that stops inspects no further stream, however many are due and slow to read', async () => {
  const clock = createVirtualClock(1_000);
  const log = createMemoryLog({ clock });
  for (let count = 0; count < STREAMS; count++) await accept(log, newStream());
  const reads: (() => void)[] = [];
  let ends = 0;
  // NATS does not answer: each read ends with a refusal, when the test lets it end.
  const read: MemoryLog['read'] = () => new Promise((_, reject) => reads.push(() => reject(new Error('TIMEOUT'))));
  const scheduler = await startScheduler(schedulerOptions(log, { log: { ...log, read }, clock: clock.polling }));
  await setImmediate();
  clock.moveTo(clock.now() + 60_000);
  while (reads.length === 0) await setImmediate();
  const begun = reads.length;
  expect(begun).toBeLessThan(STREAMS);
  let isStopped = false;
  const stopped = scheduler.stop().then(() => {
    isStopped = true;
  });
  while (!isStopped && ends < STREAMS) {
    reads[ends]?.();
    if (ends < reads.length) ends++;
    clock.moveTo(clock.now());
    await setImmediate();
  }
  await stopped;
  expect(ends).toBe(begun);
});
