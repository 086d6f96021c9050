import { describe, expect, test } from 'vitest';
import { defineFunction, type HandlerContext } from '#src/client/worker/define-function.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import { createStreamId, idAt } from '#src/core/names/ids.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';
import { until } from '#test/support/log/opened-log.ts';
import { LEASE_IN_MS, openMemoryWorkers } from '#test/support/worker/memory-workers.ts';

const SECOND = 1_000;
const BATCH = 8;

/** How many results each invocation has, in ascending order. */
function counts(ids: readonly string[]): number[] {
  const found = new Map<string, number>();
  for (const id of ids) found.set(id, (found.get(id) ?? 0) + 1);
  return [...found.values()].sort();
}

const idsOf = (sequent: TestSequent): string[] => sequent.results().map(({ requestId }) => requestId);

describe('the results that are published', () => {
  test('are one for each member of a batch whose members are retried one after another', async () => {
    const flaky = defineFunction({
      name: 'flaky',
      concurrency: BATCH,
      policy: { maxRetries: 3, backoff: { initialInMs: SECOND, factor: 1, jitter: 0 } },
      handler: (event: { failures: number }, { attempt }: HandlerContext) => {
        if (attempt <= event.failures) throw new Error('fails on purpose');
      },
    });
    await using sequent = await createTestSequent({ functions: [flaky] });
    const stream = createStreamId(sequent.clock.now(), new Uint8Array(8));
    const requests = Array.from({ length: BATCH }, (_, index) => ({ payload: JSON.stringify({ failures: Math.max(0, index - 4) }) }));
    await sequent.log.accept({ function: parseFunctionName('flaky'), stream }, requests);
    await sequent.runUntilIdle();
    expect(counts(idsOf(sequent))).toEqual(Array(BATCH).fill(1));
  });

  test('are one for an invocation whose wake waited behind its end', async () => {
    const slow = defineFunction({
      name: 'slow',
      concurrency: 1,
      handler: async () => void (await sequent.clock.sleep(7 * SECOND)),
    });
    await using sequent = await createTestSequent({ functions: [slow] });
    // The scheduler wakes the first stream after five seconds. The wake stands behind the second request.
    await Promise.all([sequent.invoke(slow, {}), sequent.invoke(slow, {}), sequent.invoke(slow, {})]);
    await sequent.runUntilIdle();
    expect(counts(idsOf(sequent))).toEqual([1, 1, 1]);
  });

  test('are one for an invocation that was cancelled while it ran', async () => {
    const hanging = defineFunction({ name: 'hanging', handler: () => new Promise(() => {}) });
    await using sequent = await createTestSequent({ functions: [hanging], graceInMs: 5 });
    const { requestId } = await sequent.invoke(hanging, {});
    await sequent.cancel(requestId);
    await sequent.runUntilIdle();
    expect(idsOf(sequent)).toEqual([requestId]);
  });

  test('are one for an invocation that was cancelled while it ran, although another worker is idle (PUB5)', async () => {
    const { clock, log, work, addWorker, accept, cancel, close } = await openMemoryWorkers();
    let starts = 0;
    const hang = (): Promise<never> => {
      starts++;
      return new Promise(() => {});
    };
    let publications = 0;
    // Storing a result takes a while. Until then, no other worker sees that it is stored.
    const publish: MemoryLog['results']['publish'] = async (...result) => {
      publications++;
      await clock.sleep(1);
      await log.results.publish(...result);
    };
    const workers = ['one', 'other'].map((worker) => addWorker(worker, hang, { results: { ...log.results, publish } }));
    const { stream } = await accept();
    await until(() => starts === 1);
    await cancel(stream);
    await until(() => publications > 0);
    // The other worker would take a wake meanwhile.
    let turns = 0;
    await until(() => ++turns > 100);
    clock.moveTo(clock.now() + 1);
    await until(() => log.results.published.length > 0 && work.inFlight === 0);
    await close(workers);
    expect(publications).toBe(1);
  });

  test('include at once that of a member which is cancelled while another member of its batch runs (ITEM2)', async () => {
    const mixed = defineFunction({
      name: 'mixed',
      concurrency: BATCH,
      policy: { maxRetries: 1, backoff: { initialInMs: 60 * SECOND, factor: 1, jitter: 0 } },
      handler: async ({ index }: { index: number }) => {
        if (index === 0) throw new Error('fails on purpose');
        await sequent.clock.sleep(30 * SECOND);
      },
    });
    await using sequent = await createTestSequent({ functions: [mixed] });
    const stream = createStreamId(sequent.clock.now(), new Uint8Array(8));
    await sequent.log.accept({ function: parseFunctionName('mixed'), stream }, [{ payload: '{"index":0}' }, { payload: '{"index":1}' }]);
    await sequent.advance(SECOND);
    // The first member waits for its retry, so the run of the worker does not look at it again by itself.
    await sequent.cancel(idAt(stream, 0));
    await sequent.advance(0);
    expect(idsOf(sequent)).toEqual([idAt(stream, 0)]);
    await sequent.runUntilIdle();
    expect(counts(idsOf(sequent))).toEqual([1, 1]);
  });

  test('are one after the log stored the result and the worker did not hear of it', async () => {
    const { published } = await redeliver(async (publish) => {
      await publish();
      throw new Error('no answer');
    });
    expect(published).toHaveLength(1);
  });

  test('include that of the outcome beside one that a power cut left, after the worker failed (EXEC4)', async () => {
    const { published } = await redeliver(async (publish) => {
      await publish('{"of":"a lost outcome"}');
      throw new Error('the process ended');
    });
    expect(published.map(({ envelope }) => envelope.includes('lost'))).toEqual([true, false]);
  });

  test('are one after the worker failed between the append and the publication (EXEC4)', async () => {
    const { published } = await redeliver(async () => {
      throw new Error('the process ended');
    });
    expect(published).toHaveLength(1);
  });
});

/** Runs one invocation whose first publication ends as given, and lets its item return after the lease. */
async function redeliver(first: (publish: (envelope?: string) => Promise<void>) => Promise<void>): Promise<MemoryLog['results']> {
  const { clock, log, work, addWorker, accept, close } = await openMemoryWorkers();
  let publications = 0;
  const warnings: object[] = [];
  const worker = addWorker('worker', () => 'done', {
    results: {
      ...log.results,
      publish(name, id, outcome, envelope) {
        const publish = (text = envelope): Promise<void> => log.results.publish(name, id, outcome, text);
        return ++publications === 1 ? first(publish) : publish();
      },
    },
    logger: { ...silentLogger, warn: (facts) => void warnings.push(facts) },
  });
  await accept();
  await until(() => warnings.length > 0);
  const { activity } = work;
  clock.moveTo(clock.now() + LEASE_IN_MS + 1);
  // Delivered and acknowledged.
  await until(() => work.activity > activity + 1);
  await close([worker]);
  return log.results;
}
