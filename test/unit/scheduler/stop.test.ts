import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { startScheduler } from '#src/scheduler/scheduler.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { accept, appendId, newStream } from '#test/support/log/opened-log.ts';

const STREAMS = 500;

test('a scheduler that stops inspects no further stream, however many are due and slow to read', async () => {
  const clock = createVirtualClock(1_000);
  const log = createMemoryLog({ clock });
  for (let count = 0; count < STREAMS; count++) await accept(log, newStream());
  const reads: (() => void)[] = [];
  let ends = 0;
  // NATS does not answer: each read ends with a refusal, when the test lets it end.
  const read: MemoryLog['read'] = () => new Promise((_, reject) => reads.push(() => reject(new Error('TIMEOUT'))));
  const scheduler = await startScheduler({
    name: 'test',
    tenancy: { region: 'local', project: 'default' },
    log: { ...log, read },
    hints: log.hints,
    results: log.results,
    state: createMemoryKeyValue(),
    functions: { get: () => undefined },
    findFunction: () => Promise.reject(new Error('the functions are not known here')),
    deliveredUpTo: async () => 0,
    openRequests: { find: async () => [], answer: () => {} },
    clock: clock.polling,
    logger: silentLogger,
    appendId,
    patienceInMs: 5_000,
    maxDeliveryAgeInMs: 5_000,
  });
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
