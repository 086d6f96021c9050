import { beforeEach, describe, expect, test } from 'vitest';
import { type Batches, createBatches } from '#src/client/invoke/batches.ts';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createStreamId } from '#src/core/names/ids.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';
import { createCanceledBatches } from '#src/worker/attempt/canceled-batches.ts';

const orders = 'orders' as FunctionName;
const batch = { function: orders, id: 'import' };
const ran: unknown[] = [];
const fn = defineFunction({ name: orders, handler: (event: unknown) => void ran.push(event) });
beforeEach(() => {
  ran.length = 0;
});

type Opened = { log: Parameters<typeof createBatches>[0]['log']; batches: Batches; accept: (event: unknown) => Promise<string> };

function opened({ log, clock }: Pick<TestSequent, 'log' | 'clock'>): Opened {
  let appends = 0;
  let streams = 0;
  const check = async () => [];
  const batches = createBatches({ log, clock, by: 'client', appendId: () => `c-${appends++}`, findQueued: async () => [], check });
  return {
    log,
    batches,
    /** Accepts a member of the batch. Resolves to its id. */
    async accept(event) {
      const stream = createStreamId(clock.now(), new Uint8Array(8).fill(++streams));
      await log.accept({ function: orders, stream }, [{ payload: JSON.stringify(event), batch: batch.id }]);
      return stream;
    },
  };
}

const typesOf = async (sequent: TestSequent, id: string) => (await sequent.timeline(id)).transitions.map(({ fact }) => fact.type);

describe('a member of a cancelled batch', () => {
  test('never starts when the log accepted it after the cancellation', async () => {
    await using sequent = await createTestSequent({ functions: [fn] });
    const { batches, accept } = opened(sequent);
    const request = await batches.open(batch);
    await accept('before');
    await sequent.advance(10);
    expect(await batches.seal({ ...batch, request }, 'canceled')).toBe(true);
    const late = await accept('after');
    await sequent.advance(10);
    expect(ran).toEqual(['before']);
    expect(await typesOf(sequent, late)).toEqual(['queued', 'failed', 'notified']);
    const { envelope, attempts } = await sequent.timeline(late);
    expect([attempts, envelope?.request_context.condition]).toEqual([0, 'InvocationCanceled']);
    expect(envelope?.response_payload).toContain('the batch import was cancelled before this member was accepted');
    expect(sequent.results().map(({ requestId }) => requestId)).toContain(late);
  });

  test('is left to the canceller when the log accepted it before the cancellation', async () => {
    await using sequent = await createTestSequent({ functions: [fn] });
    const { batches, accept } = opened(sequent);
    const request = await batches.open(batch);
    const { definition } = await sequent.functions.get(orders);
    await sequent.functions.put({ ...definition, paused: true });
    await accept('before');
    await batches.seal({ ...batch, request }, 'canceled');
    await accept('after');
    await sequent.functions.put({ ...definition, paused: false });
    await sequent.advance(10_000);
    expect(ran).toEqual(['before']);
  });

  test('never starts when the batch was sealed before it was cancelled, which happens once', async () => {
    await using sequent = await createTestSequent({ functions: [fn] });
    const { batches, accept } = opened(sequent);
    const request = await batches.open(batch);
    await batches.seal({ ...batch, request });
    await accept('after the seal');
    await sequent.advance(10);
    expect(await batches.seal({ ...batch, request }, 'canceled')).toBe(true);
    expect(await batches.seal({ ...batch, request }, 'canceled')).toBe(false);
    await accept('after the cancellation');
    await sequent.advance(10);
    expect(ran).toEqual(['after the seal']);
  });
});

describe('the reads of a batch', () => {
  /** A log whose reads wait until they are let go. */
  async function gatedLog() {
    const clock = { now: () => 1_000, sleep: async () => {} };
    const memory = createMemoryLog({ clock });
    const waiting: (() => void)[] = [];
    let reads = 0;
    const log = {
      ...memory,
      epoch: memory.epoch,
      async read(...asked: Parameters<typeof memory.read>) {
        const found = await memory.read(...asked);
        reads++;
        await new Promise<void>((resolve) => waiting.push(resolve));
        return found;
      },
    };
    const go = async (): Promise<void> => {
      for (const resolve of waiting.splice(0)) resolve();
      await new Promise((resolve) => setImmediate(resolve));
    };
    const { batches } = opened({ log: memory, clock });
    const request = await batches.open(batch);
    const canceled = createCanceledBatches(log);
    return {
      go,
      batches,
      request,
      reads: () => reads,
      memory,
      isBefore: (sequence: number) => canceled.isCanceledBefore(orders, batch.id, sequence),
    };
  }
  test('answer no member that arrived after the read began, and later members share the next read', async () => {
    const { go, batches, request, reads, memory, isBefore } = await gatedLog();
    const early = isBefore((await memory.lastSequence()) + 1);
    await batches.seal({ ...batch, request }, 'canceled');
    const later = [1, 2, 3].map(async (n) => isBefore((await memory.lastSequence()) + n));
    await new Promise((resolve) => setImmediate(resolve));
    expect(reads()).toBe(1);
    await go();
    expect(await early).toBe(false);
    expect(reads()).toBe(2);
    await go();
    await go();
    expect(await Promise.all(later)).toEqual([true, true, true]);
    const before = reads();
    expect(await isBefore(request + 100)).toBe(true);
    expect(await isBefore(request)).toBe(false);
    expect(reads()).toBe(before);
  });
});
