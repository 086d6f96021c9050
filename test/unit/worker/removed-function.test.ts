import { expect, test } from 'vitest';
import { until } from '#test/support/log/opened-log.ts';
import { openMemoryWorkers } from '#test/support/worker/memory-workers.ts';

test('a worker that stops waits for the execution of a function that was removed meanwhile', async () => {
  const { log, work, addWorker, accept, remove, close } = await openMemoryWorkers();
  let isStarted = false;
  let end = (): void => {};
  const worker = addWorker('one', () => {
    isStarted = true;
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  await accept();
  await until(() => isStarted);
  await remove();
  let isStopped = false;
  const stopping = worker.stop(60_000).then(() => {
    isStopped = true;
  });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(isStopped).toBe(false);
  end();
  await until(() => log.results.published.length > 0 && work.inFlight === 0);
  await close([]);
  await stopping;
});
