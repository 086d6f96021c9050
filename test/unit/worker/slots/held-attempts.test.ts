import { expect, test } from 'vitest';
import { idAt } from '#src/core/names/ids.ts';
import { answeringLate } from '#test/support/log/faulty-log.ts';
import { until } from '#test/support/log/opened-log.ts';
import { openMemoryWorkers } from '#test/support/worker/memory-workers.ts';

test.each([
  ['with its own limit', {}],
  ['with a limit over all workers', { flow: { concurrency: 1 } }],
])('a worker %s says that it runs an attempt until its result is in the log (EXEC5)', async (_, flow) => {
  const { log, work, addWorker, accept, executionProbe, close } = await openMemoryWorkers();
  const late = answeringLate(log, ['running', 'succeeded']);
  let executions = 0;
  const worker = addWorker('one', () => ++executions, { log: late.log });
  const { function: name, stream } = await accept(flow);
  const asked = { function: name, invocation: idAt(stream, 0), attempt: 1 };
  const isRunning = (): Promise<boolean | undefined> => executionProbe.isRunning('one', asked);

  await until(() => late.waiting.length > 0);
  expect([executions, await isRunning()]).toEqual([0, true]);
  late.release();
  await until(() => late.waiting.length > 0);
  expect([executions, await isRunning()]).toEqual([1, true]);
  late.release();
  await until(() => log.results.published.length > 0 && work.inFlight === 0);
  expect(await isRunning()).toBe(false);
  await close([worker]);
});
