import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { execute } from '#test/support/hosts/executions.ts';
import type { RuntimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';

/** Far above what the bounds permit, and far below what these attacks took before: 24 to 41 s and 3 to 4 GB. */
const MAX_CPU_IN_MS = 2_500;
const MAX_GROWTH_IN_MB = 150;

/** What the functions of a runtime can do to the worker by its channels. */
export function describeChannelAttacks(runtime: RuntimeUnderTest): void {
  const { processFunction } = runtime;
  const host: FunctionHost = createProcessHost();
  afterAll(() => host.close());

  describe('a function that writes to the channel of the runtime', () => {
    test.for([
      ['an endless line of no kind', { text: 'x' }],
      ['an endless value', { first: '["returned",1,"', text: 'x' }],
      ['an endless failure', { first: '["failed",1,{"kind":"function","code":1,"errorType":"', text: 'x' }],
      ['a value with endless depth', { first: '["returned",1,', text: '[' }],
      ['a failure with endless depth', { first: '["failed",1,', text: '{"a":' }],
      ['a failure with endless fields', { first: '["failed",1,{', text: '"a":1,' }],
      ['endless empty texts', { first: '["printed",', text: '"",' }],
      ['a flood of frames without an end', { text: '["printed",""]\n' }],
      ['a flood of answers to no recall', { text: '["recalled",[]]\n' }],
      ['a flood of ids', { text: `["withdrawn",[${'1,'.repeat(30_000)}1]]\n` }],
      ['a flood of deep lines', { text: `["returned",1,${'['.repeat(60_000)}\n` }],
      ['a flood of values of executions that were never sent', { text: '["returned",77,"","",1]\n' }],
    ] as const)('is ended, and costs the worker little (PROC4): %s', async ([name, event]) => {
      const definition = processFunction({ name: `channel-${name.replaceAll(' ', '-')}`.slice(0, 60), export: 'floodDescriptor' });
      const { result, cpuInMs, grewByMb } = await costOf(() => execute(host, definition, { fd: 4, megabytes: 90, ...event }));
      expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'function', code: 4204 } });
      expect(cpuInMs).toBeLessThan(MAX_CPU_IN_MS);
      expect(grewByMb).toBeLessThan(MAX_GROWTH_IN_MB);
    });

    test('gets the result of an execution after a flood of raw output, which the worker reads slowly', async () => {
      const definition = processFunction({ name: 'raw-flood', export: 'floodDescriptor', timeoutInMs: 60_000 });
      const { result, cpuInMs, grewByMb } = await costOf(() => execute(host, definition, { fd: 1, text: 'y', megabytes: 100 }));
      expect(result).toMatchObject({ kind: 'returned', payload: 'written' });
      expect(cpuInMs).toBeLessThan(MAX_CPU_IN_MS);
      expect(grewByMb).toBeLessThan(MAX_GROWTH_IN_MB);
    });
  });
}

/** What the process of the worker itself spent while something ran: the time of its threads, and the growth of its memory at the highest. */
async function costOf<Result>(work: () => Promise<Result>): Promise<{ result: Result; cpuInMs: number; grewByMb: number }> {
  const memoryBefore = process.memoryUsage.rss();
  let highest = memoryBefore;
  const timer = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss());
  }, 5);
  onTestFinished(() => clearInterval(timer));
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  highest = Math.max(highest, process.memoryUsage.rss());
  return { result, cpuInMs: (user + system) / 1_000, grewByMb: (highest - memoryBefore) / 1_048_576 };
}
