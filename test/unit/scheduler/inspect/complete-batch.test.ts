import { describe, expect, test } from 'vitest';
import { createBatches } from '#src/client/invoke/batches.ts';
import { BatchNotFoundError, FunctionNotFoundError } from '#src/core/errors.ts';
import { createMemoryLog, type MemoryLog } from '#src/core/memory/memory-log.ts';
import { openingIdOf } from '#src/core/names/delivery-ids.ts';
import { streamOf } from '#src/core/names/ids.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { OpenRequests } from '#src/core/ports/questions/open-requests.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { inspectStream } from '#src/scheduler/inspect/inspect-stream.ts';
import type { OpenStream } from '#src/scheduler/open/stream-records.ts';
import type { MemberCounts, SchedulerOptions } from '#src/scheduler/ports.ts';
import { schedulerOptions } from '#test/support/scheduler/scheduler-options.ts';

const name = { function: 'orders' as FunctionName, stream: streamOf(openingIdOf('orders', 'import')) };
const DAY = 86_400_000;

/** A log with an open batch. */
async function openBatch(findQueued: OpenRequests['find'] = async () => []) {
  const time = { now: 1_000 };
  const clock = { now: () => time.now, sleep: async () => {} };
  const log = createMemoryLog({ clock });
  let appends = 0;
  const check = async () => [{ destination: 'HTTP' as const, param: '{"url":"https://example.com"}' }];
  const batches = createBatches({ log, clock, by: 'client', appendId: () => `c-${appends++}`, findQueued, check });
  const request = await batches.open({ function: 'orders', id: 'import', onComplete: [{}] });
  return { log, clock, time, batches, request };
}

function inspect(log: MemoryLog, given: Pick<SchedulerOptions, 'clock'> & Partial<SchedulerOptions>, request: number) {
  const open = { name, request, version: request, inspections: 0 } as unknown as OpenStream;
  const findFunction = (fn: string) => Promise.reject(new FunctionNotFoundError({ name: fn }));
  return inspectStream(open, schedulerOptions(log, { findFunction, ...given }));
}

async function stateOf(log: MemoryLog, request: number): Promise<StreamState> {
  const state = await loadStream(log, name, request);
  if (state === undefined) throw new Error('the batch is not in the log');
  return state;
}

const countsOf = (counts: Partial<MemberCounts>) => async (): Promise<MemberCounts> => ({
  members: 3,
  open: 0,
  byStatus: { SUCCESS: 2, FAIL: 1 },
  sequence: 99,
  ...counts,
});

describe('a scheduler with a batch', () => {
  test('is sealed by a client that asks before a scheduler knows it', async () => {
    let [questions, opened] = [0, 0];
    const { batches, request } = await openBatch(async () => (++questions > 2 ? [{ name, request: opened }] : []));
    opened = request;
    expect(await batches.seal({ function: 'orders', id: 'import' })).toBe(true);
    expect(questions).toBe(3);
  });

  test('is unknown to a client when no scheduler knows it after several questions', async () => {
    const { batches } = await openBatch();
    await expect(batches.seal({ function: 'orders', id: 'import' })).rejects.toBeInstanceOf(BatchNotFoundError);
  });

  test('seals it a day after its opening, and not earlier', async () => {
    const { log, clock, time, request } = await openBatch();
    time.now = 1_000 + DAY - 1;
    expect(await inspect(log, { clock, countMembers: countsOf({ open: 1 }) }, request)).toMatchObject({
      kind: 'open',
      nextAt: 1_000 + DAY,
    });
    expect((await stateOf(log, request)).facts).toEqual([]);
    time.now = 1_000 + DAY;
    await inspect(log, { clock, countMembers: countsOf({ open: 1 }) }, request);
    expect((await stateOf(log, request)).facts).toMatchObject([{ type: 'batch.sealed', reason: 'abandoned' }]);
  });

  test('completes it once, when the read model has the seal and no open member', async () => {
    const { log, clock, batches, request } = await openBatch();
    expect(await batches.seal({ function: 'orders', id: 'import', request })).toBe(true);
    expect(await batches.seal({ function: 'orders', id: 'import', request })).toBe(false);
    const { version } = await stateOf(log, request);
    const asked: unknown[] = [];
    const ask =
      (counts: Partial<MemberCounts>) =>
      (...question: unknown[]) => {
        asked.push(question);
        return countsOf(counts)();
      };
    expect(await inspect(log, { clock, countMembers: ask({ open: 2 }) }, request)).toMatchObject({ kind: 'open', nextAt: 1_500 });
    // Two schedulers may inspect the batch at one time.
    await Promise.all([1, 2].map(() => inspect(log, { clock, countMembers: ask({}) }, request)));
    expect(asked).toEqual([1, 2, 3].map(() => ['orders', 'import', version]));
    const { facts } = await stateOf(log, request);
    expect(facts).toMatchObject([{ type: 'batch.sealed' }, { type: 'succeeded', attempt: 0, destinations: [{ id: 'http-0' }] }]);
    expect(JSON.parse(facts[1]?.type === 'succeeded' ? facts[1].payload : '')).toEqual({
      batch: 'import',
      function: 'orders',
      members: 3,
      counts: { SUCCESS: 2, FAIL: 1, DISCARD: 0 },
      results: '/api/batches/import/results?function=orders',
      sequence: 99,
    });
  });

  test('leaves it open while no read model answers', async () => {
    const { log, clock, batches, request } = await openBatch();
    await batches.seal({ function: 'orders', id: 'import', request });
    const countMembers = () => Promise.reject(new Error('no projection answers'));
    await expect(inspect(log, { clock, countMembers }, request)).rejects.toThrow('no projection answers');
    expect((await stateOf(log, request)).facts).toMatchObject([{ type: 'batch.sealed' }]);
  });
});
