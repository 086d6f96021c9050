import { describe, expect, test } from 'vitest';
import { type BulkOperation, type BulkStore, createBulkStore, type StoredBulk } from '#src/core/bulk/bulk-operation.ts';
import type { InvocationSummary } from '#src/core/history-questions.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { type BulkRunnerOptions, createBulkRunner } from '#src/gateway/bulk/bulk-runner.ts';

const clock = { now: () => 1_000_000, sleep: async () => {} };
const batch = { function: 'orders', id: 'batch-2', request: 7 };
const PART = 50;

/** Pages of a part each. The cursor is the number of the next invocation. */
async function list({ cursor = '0' }: { cursor?: string }) {
  const end = Number(cursor) + PART;
  const invocations = Array.from({ length: PART }, (_, index) => ({ id: `order-${Number(cursor) + index}`, function: 'orders' }));
  return { invocations: invocations as InvocationSummary[], cursor: end < 3 * PART ? String(end) : null };
}

/** The users that abort the operation: during the first part, and before the saves of the progress, one before each. */
type Aborts = { duringPart?: string; beforeSaves?: string[] };

/** Runs a bulk redrive of three parts until its record says that the operation is over. */
async function runRedrive({ duringPart, beforeSaves = [] }: Aborts): Promise<{ operation: BulkOperation; sealed: object[] }> {
  const memory = createMemoryKeyValue();
  const others: BulkStore = createBulkStore(memory, clock);
  let end: (operation: BulkOperation) => void = () => {};
  const ended = new Promise<BulkOperation>((resolve) => {
    end = resolve;
  });
  const waiting = [...beforeSaves];
  const state: KeyValue = {
    ...memory,
    async put(key, value, expected) {
      const operation = JSON.parse(value) as BulkOperation;
      const user = operation.done > 0 ? waiting.shift() : undefined;
      if (user !== undefined) await others.abort(key.slice('bulk.'.length), user);
      const revision = await memory.put(key, value, expected);
      if (operation.endedAt !== undefined) end(operation);
      return revision;
    },
  };
  const filter = { batch: 'batch-1', function: 'orders' };
  const opened = { batch: batch.id, batchRequest: batch.request };
  const bulks = createBulkStore(state, clock);
  const started: StoredBulk = await bulks.create({ action: 'redrive', by: 'ann', runner: 'gateway', filter, ...opened });
  const sealed: object[] = [];
  let aborting: Promise<unknown> | undefined;
  const client = {
    lastSequence: async () => 0,
    history: { list },
    timeline: async () => ({ transitions: [] }),
    repair: {
      async redriveOnce(id: string) {
        if (duringPart !== undefined) aborting ??= others.abort(started.id, duringPart);
        await aborting;
        return `${id}-again`;
      },
    },
    batches: { seal: async (one: object) => sealed.push(one) > 0 },
  } as unknown as BulkRunnerOptions['client'];
  const closing = new AbortController();
  createBulkRunner({ client, bulks, clock, logger: silentLogger, signal: closing.signal }).start(started);
  const operation = await ended;
  closing.abort();
  return { operation, sealed };
}

describe('a bulk redrive of a batch', () => {
  test('seals its new batch by the request that opened the batch', async () => {
    const { operation, sealed } = await runRedrive({});
    expect(operation).toMatchObject({ state: 'done', done: 3 * PART, leftOut: 0 });
    expect(sealed).toEqual([batch]);
  });

  test('seals its new batch when a user aborts the operation during a part', async () => {
    const { operation, sealed } = await runRedrive({ duringPart: 'ben' });
    expect(operation).toMatchObject({ state: 'aborted', done: PART, abortBy: 'ben' });
    expect(sealed).toEqual([batch]);
  });

  test('keeps the counts of a part when two users abort the operation before the counts are saved', async () => {
    const { operation, sealed } = await runRedrive({ beforeSaves: ['ben', 'carl'] });
    expect(operation).toMatchObject({ state: 'aborted', done: PART, abortBy: 'carl' });
    expect(sealed).toEqual([batch]);
  });
});
