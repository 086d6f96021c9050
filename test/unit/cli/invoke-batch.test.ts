import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Call } from '#src/cli/call.ts';
import { Batch, type BatchOptions } from '#src/cli/commands/invoke/invoke-batch.ts';
import { processHost } from '#src/cli/host.ts';
import type { Invoke } from '#src/client/invoke/invoke.ts';
import { LogFullError } from '#src/core/errors.ts';

async function* linesOf(count: number): AsyncGenerator<Uint8Array> {
  for (let number = 1; number <= count; number++) yield Buffer.from(`{"n":${number}}\n`);
}

function batchOf(invokeText: Invoke['invokeText'], format: Call['format'] = 'json') {
  const told = { out: [] as string[], err: [] as string[] };
  const stream = (lines: string[]) => ({ line: (text = '') => void lines.push(text), isTty: false });
  const terminal = { out: stream(told.out), err: stream(told.err) };
  const call = { args: ['orders'], options: { key: 'k', host: processHost }, format, terminal } as unknown as Call<BatchOptions>;
  return { told, batch: new Batch(call, { invokeText }, { name: 'orders', qualifier: undefined, batch: 'import' }) };
}

describe('a batch of the command line', () => {
  test('holds a bounded number of requests, however many lines there are', async () => {
    let [inFlight, most] = [0, 0];
    const { batch, told } = batchOf(async (_, __, { id } = {}) => {
      most = Math.max(most, ++inFlight);
      await turn();
      await turn();
      inFlight--;
      return { requestId: id ?? '', result: () => Promise.reject(new Error('nobody waits')) };
    });
    expect(await batch.run(linesOf(6_000))).toBe(0);
    expect(most).toBeLessThanOrEqual(2_000);
    expect(JSON.parse(told.out.join())).toMatchObject({ accepted: 6_000, skipped: 0, failed: 0 });
  });

  test('stops at an error of the log, after what is in flight, and says from which line on', async () => {
    const sent: string[] = [];
    const { batch, told } = batchOf(async (_, payload, { id } = {}) => {
      sent.push(payload);
      await turn();
      if (payload.includes(':3}')) throw new LogFullError({ why: 'the disk is full' });
      return { requestId: id ?? '', result: () => Promise.reject(new Error('nobody waits')) };
    });
    await expect(batch.run(linesOf(100_000))).rejects.toThrow('the disk is full');
    expect(sent.length).toBeLessThan(100_000);
    expect(JSON.parse(told.out.join())).toMatchObject({ accepted: sent.length - 1, failed: 1 });
    expect(told.err.at(-1)).toMatch(
      /^the command stopped: 1 line without an answer, the first is line 3, and .* run it again with the same --key$/,
    );
  });
});
