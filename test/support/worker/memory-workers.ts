import { createCancel } from '#src/client/repair/cancel.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { createMemoryAnswers } from '#src/testing/memory-answers.ts';
import { createMemoryWork } from '#src/testing/memory-work.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { startWorker, type Worker, type WorkerOptions } from '#src/worker/worker.ts';

export const LEASE_IN_MS = 15_000;
type Flow = { flow?: { concurrency: number } };

/** A system in memory with the function `echo`, to which several workers can be added. Each has its own handler, and ports that the test changes. */
export async function openMemoryWorkers() {
  const clock = createVirtualClock(Date.UTC(2026, 0, 1));
  const log = createMemoryLog({ clock });
  const work = createMemoryWork({ log, clock, leaseInMs: LEASE_IN_MS });
  const store = createMemoryKeyValue();
  const answers = createMemoryAnswers();
  const stopping = new AbortController();
  const registry = createFunctionRegistry(store, { refuseDestination: answers.destinationCheck.refuse, clock });
  const directory = await openFunctionDirectory(store, { signal: stopping.signal });
  const writing = { log, hints: work.hints, clock, findFunction: directory.ask };
  let appends = 0;

  function addWorker(worker: string, handler: () => unknown, changed: Partial<Pick<WorkerOptions, 'results' | 'logger' | 'log'>> = {}) {
    return startWorker({
      ...answers,
      ...writing,
      queue: work.queue,
      results: log.results,
      flow: createMemoryKeyValue(),
      tenancy: { region: 'local', project: 'default' },
      maxHops: 16,
      maxChain: 1_000,
      logger: silentLogger,
      functions: directory,
      worker,
      host: createInlineHost(new Map([['echo', handler]]), clock.after),
      appendId: () => `${worker}-${appends++}`,
      canRun: () => true,
      // A worker that has a stream in progress takes no other item.
      window: { size: 1 },
      ...changed,
    });
  }

  async function accept(flow: Flow = {}): Promise<StreamName> {
    await registry.put({ name: 'echo', handler: { kind: 'inline' }, concurrency: 1, ...flow });
    const name = { function: parseFunctionName('echo'), stream: createStreamId(clock.now(), new Uint8Array(8)) };
    await log.accept(name, [{ payload: '{}' }]);
    return name;
  }

  return {
    clock,
    log,
    work,
    remove: () => registry.delete('echo'),
    executionProbe: answers.executionProbe,
    addWorker,
    accept,
    cancel: createCancel({
      ...writing,
      ...answers,
      by: 'canceller',
      appendId: () => `c-${appends++}`,
      functions: registry,
      findQueued: async () => [],
    }).cancel,
    async close(workers: readonly Worker[]) {
      clock.release();
      for (const worker of workers) await worker.stop(0);
      stopping.abort();
      await work.close();
    },
  };
}
