import { afterEach, describe, expect, test } from 'vitest';
import type { ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';
import { createProcessHost, type ProcessHostOptions } from '#src/hosts/pool/process-host.ts';
import { execute, processFunction } from '#test/support/hosts/executions.ts';

let host: FunctionHost | undefined;
afterEach(() => host?.close());

function open(options: ProcessHostOptions): FunctionHost {
  host = createProcessHost(options);
  return host;
}

function payloads(results: ExecutionResult[]): string[] {
  return results.map((result) => (result.kind === 'returned' ? result.payload : JSON.stringify(result.failure)));
}

describe('the memory of a project', () => {
  // Two processes of a function of 256 MB, each with 96 MB for the runtime.
  const options: ProcessHostOptions = { memoryOfProject: () => 2 * (256 + 96), maxProcessesPerFunction: 8 };
  const ofProject = (name: string) => processFunction({ name, export: 'sleep', concurrency: 8 });

  test('bounds the processes of its functions together, and the own project has no budget', async () => {
    const opened = open(options);
    const run = (name: string) => Promise.all(Array.from({ length: 8 }, () => execute(opened, ofProject(name), { inMs: 300 })));
    expect(new Set(payloads(await run('shop=one'))).size).toBeLessThanOrEqual(2);
    expect(new Set(payloads(await run('own'))).size).toBeGreaterThan(2);
  });

  test('goes to a function without a process, also while another function of the project never stops', async () => {
    const opened = open(options);
    let isOver = false;
    const busy = Array.from({ length: 4 }, async () => {
      while (!isOver) await execute(opened, ofProject('shop=busy'), { inMs: 50 });
    });
    await Promise.all(Array.from({ length: 4 }, () => execute(opened, ofProject('shop=busy'), { inMs: 50 })));
    const other = execute(opened, ofProject('shop=other'), {}).finally(() => {
      isOver = true;
    });
    expect(Number(payloads([await other])[0])).toBeGreaterThan(0);
    await Promise.all(busy);
  });

  test('is the limit of a function that wants more', async () => {
    const opened = open({ memoryOfProject: () => 128 + 96 });
    const result = await execute(opened, processFunction({ name: 'shop=large', export: 'nodeOptions', memoryInMb: 4_096 }), {});
    expect(payloads([result])).toEqual([expect.stringContaining('--max-old-space-size=128')]);
  });
});
