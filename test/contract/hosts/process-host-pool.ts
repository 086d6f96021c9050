import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { ExecutionResult, FunctionHost } from '#src/core/ports/function-host.ts';
import { createProcessHost, type ProcessHostOptions } from '#src/hosts/pool/process-host.ts';
import { BEYOND_PAUSES_IN_MS, execute, executionOf, isRunning, neverAborted, until } from '#test/support/hosts/executions.ts';
import type { RuntimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';
import { scratchFile } from '#test/support/hosts/scratch-file.ts';

/** The pools of processes of the functions of a runtime. */
export function describeProcessHostPool(runtime: RuntimeUnderTest): void {
  const { isProgram, processFunction, waitingHandler } = runtime;
  const isNode = runtime.id === 'nodejs';
  // The executions of a program may pass two processes: no very short work on a busy machine.
  const testOfModules = test.skipIf(isProgram);
  let host: FunctionHost | undefined;
  afterEach(() => host?.close());
  function open(options?: ProcessHostOptions): FunctionHost {
    host = createProcessHost(options);
    return host;
  }

  describe('the pool', () => {
    test('reuses a warm process', async () => {
      const opened = open();
      const definition = processFunction({ export: 'pid' });
      const pids = new Set<string>();
      for (let i = 0; i < 5; i++) pids.add(payloads([await execute(opened, definition)])[0] ?? '');
      expect(pids.size).toBe(1);
    });

    test('grows while executions wait, up to the concurrency', async () => {
      const opened = open();
      const definition = processFunction({ export: 'sleep', concurrency: 3 });
      expect((await pidsOfRounds(definition, opened, 3)).size).toBe(3);
    });

    test('never grows above the limit of the host', async () => {
      const opened = open({ maxProcessesPerFunction: 2 });
      const definition = processFunction({ export: 'sleep', concurrency: 20 });
      expect((await pidsOfRounds(definition, opened, 2)).size).toBe(2);
    });

    testOfModules('never grows above the processors for a fast function, however many executions wait', async () => {
      const definition = processFunction({ export: 'pid', concurrency: 1_000 });
      async function grow(): Promise<number> {
        const opened = open();
        await makeFast(opened, definition);
        const pids = new Set<string>();
        // This process is always busy, like a worker under load, so waits in this process are no sign of a slow function.
        for (let round = 0; round < 20; round++)
          for (const pid of payloads(await Promise.all(Array.from({ length: 500 }, () => execute(opened, definition))))) pids.add(pid);
        return pids.size;
      }
      let fewest = await grow();
      // On a busy machine the function itself takes long, and more processes are right.
      for (let more = 0; more < 9 && fewest > availableParallelism(); more++) fewest = Math.min(fewest, await grow());
      expect(fewest).toBeLessThanOrEqual(availableParallelism());
    });

    testOfModules('gives very short work to an awake process, and longer work to a free process', async () => {
      const opened = open();
      const definition = processFunction({ export: 'sleep', concurrency: 2 });
      // Two executions at once; each returns the id of its process.
      const pair = async (inMs: number) =>
        new Set(payloads(await Promise.all([execute(opened, definition, { inMs }), execute(opened, definition, { inMs })]))).size;
      // On a busy machine the second process may start only after the first execution.
      while ((await pair(100)) < 2);
      // On a busy machine even short work takes time, and a free process is right. The average may have to fall first.
      do for (let id = 0; id < 100; id++) await execute(opened, definition, { inMs: 0 });
      while ((await pair(0)) > 1);
      for (let id = 0; id < 20; id++) await execute(opened, definition, { inMs: 20 });
      expect(await pair(20)).toBe(2);
    });

    test('runs one execution at a time in a process, in order', async () => {
      const opened = open();
      const definition = processFunction({ export: 'mixed', concurrency: 1 });
      await makeFast(opened, definition);
      const file = scratchFile();
      const ids = Array.from({ length: 100 }, (_, id) => id);
      const results = await Promise.all(ids.map((id) => execute(opened, definition, { id, file })));
      expect(payloads(results)).toEqual(ids.map(String));
      expect(readFileSync(file, 'utf8')).toBe(ids.map((id) => `${id}\n`).join(''));
    });

    test('ends every process without work after the idle time', async () => {
      const opened = open({ idleInMs: 50 });
      const pid = Number(payloads([await execute(opened, processFunction({ export: 'pid' }))])[0]);
      expect(isRunning(pid)).toBe(true);
      await until(() => !isRunning(pid), 'the idle process is gone');
    });

    test('recycles a process after the configured number of executions', async () => {
      const opened = open({ recycleAfter: 2 });
      const definition = processFunction({ export: 'pid' });
      const pids: string[] = [];
      for (let i = 0; i < 6; i++) pids.push(...payloads([await execute(opened, definition)]));
      expect(new Set(pids).size).toBe(3);
    });

    test('warms a process before the first execution', async () => {
      const opened = open();
      const definition = processFunction({ export: 'pid' });
      opened.warm?.(definition, 'latest');
      expect(await execute(opened, definition)).toMatchObject({ kind: 'returned' });
    });

    test('runs a changed definition in new processes, and drains the old ones', async () => {
      const opened = open();
      const old = processFunction({ export: 'pid' });
      const oldPid = Number(payloads([await execute(opened, old)])[0]);
      const running = execute(opened, old);
      const pid = Number(payloads([await execute(opened, processFunction({ export: 'pid', userData: { changed: 'yes' } }))])[0]);
      expect(await running).toEqual({ kind: 'returned', payload: String(oldPid) });
      expect(pid).not.toBe(oldPid);
      await until(() => !isRunning(oldPid), 'the process of the old code is gone');
      expect(isRunning(pid)).toBe(true);
    });

    testOfModules('never runs two contents of one file: a process that starts with a changed file replaces the others', async () => {
      const opened = open();
      const [file, changed] = [`${scratchFile()}${isNode ? '.mjs' : '.py'}`, scratchFile()];
      const definition = processFunction({ file, export: 'handler', concurrency: 2 });
      writeFileSync(file, waitingHandler('old'));
      expect(payloads([await execute(opened, definition)])).toEqual(['old']);
      writeFileSync(file, waitingHandler('the changed code', changed));
      // The old process is busy until the changed code runs, so the second execution waits until another process starts.
      const both = payloads(await Promise.all([1, 2].map(() => execute(opened, definition, { changed }))));
      expect(both).toContain('the changed code');
      const later = await Promise.all(Array.from({ length: 6 }, () => execute(opened, definition)));
      expect(new Set(payloads(later))).toEqual(new Set(['the changed code']));
    });

    test('keeps the processes of another version, and of the same code under another policy', async () => {
      const opened = open();
      const pidOf = async (version: string, facts: Parameters<typeof processFunction>[0] = {}) =>
        payloads([await opened.execute(executionOf(processFunction({ export: 'pid', ...facts }), {}, { version }), neverAborted())])[0];
      const first = await pidOf('v1');
      const second = await pidOf('v2', { userData: { other: 'code' } });
      expect(second).not.toBe(first);
      const policy = { ...processFunction({}).policy, maxRetries: 3 };
      expect([await pidOf('v1', { policy }), await pidOf('v2', { userData: { other: 'code' } })]).toEqual([first, second]);
    });

    test.skipIf(!isNode)('is not harmed by a timer that a handler left behind', async () => {
      const opened = open();
      const definition = processFunction({ export: 'leaveTimer' });
      const pid = Number(payloads([await execute(opened, definition)])[0]);
      await until(() => !isRunning(pid), 'the left timer ends the process');
      expect(await execute(opened, definition)).toMatchObject({ kind: 'returned' });
    });
  });

  describe('executions in the same pipe', () => {
    test('survive a timeout of the execution before them', async () => {
      const opened = open();
      const definition = processFunction({ export: 'mixed', concurrency: 1, timeoutInMs: BEYOND_PAUSES_IN_MS });
      await makeFast(opened, definition);
      const file = scratchFile();
      const bad = execute(opened, definition, { id: 'bad', spinInMs: 60_000 });
      const good = Array.from({ length: 20 }, (_, id) => execute(opened, definition, { id, file }));
      expect(await bad).toMatchObject({ failure: { kind: 'function', code: 4010 } });
      expect(payloads(await Promise.all(good))).toEqual(Array.from({ length: 20 }, (_, id) => String(id)));
      expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(20);
    });

    test('survive an exit of the execution before them, and none runs twice', async () => {
      const opened = open();
      const definition = processFunction({ export: 'mixed', concurrency: 1 });
      await makeFast(opened, definition);
      const file = scratchFile();
      const ids = Array.from({ length: 30 }, (_, id) => id);
      const results = await Promise.all(ids.map((id) => execute(opened, definition, { id, file, exit: id === 10 })));
      const failed = results.filter((result) => result.kind === 'failed');
      expect(failed).toMatchObject([{ failure: { kind: 'function', code: 4204, message: 'function process exited with code 3' } }]);
      expect(readFileSync(file, 'utf8').trim().split('\n').map(Number)).toEqual(ids);
    });

    test('do not wait behind an execution that turns out slow', async () => {
      const opened = open();
      const definition = processFunction({ export: 'mixed', concurrency: 2 });
      await makeFast(opened, definition);
      const untilFile = scratchFile();
      const slow = execute(opened, definition, { id: 'slow', untilFile });
      await Promise.all(Array.from({ length: 20 }, (_, id) => execute(opened, definition, { id })));
      expect(await Promise.race([slow, 'still running'])).toBe('still running');
      writeFileSync(untilFile, '');
      expect(await slow).toEqual({ kind: 'returned', payload: 'slow' });
    });

    test('each get the whole timeout', async () => {
      const opened = open();
      const definition = processFunction({ export: 'mixed', concurrency: 1, timeoutInMs: BEYOND_PAUSES_IN_MS });
      await makeFast(opened, definition);
      // Together they take longer than the timeout. One of them does not, also when its process pauses.
      const results = await Promise.all([1, 2, 3, 4].map((id) => execute(opened, definition, { id, spinInMs: 2_500 })));
      expect(payloads(results)).toEqual(['1', '2', '3', '4']);
    });
  });

  describe('an aborted execution', () => {
    const aborted = { kind: 'failed', failure: { kind: 'platform', errorType: 'ExecutionAborted' } };

    test.for([
      { where: 'for a process', isFast: false },
      { where: 'in the pipe of a busy process', isFast: true },
    ])('does not start when it waited $where', async ({ isFast }) => {
      const opened = open();
      const definition = processFunction({ export: 'mixed', concurrency: 1 });
      // Executions queue up inside a process only while the function is fast (POOL2).
      if (isFast) await makeFast(opened, definition);
      const giveUp = new AbortController();
      const file = scratchFile();
      const first = execute(opened, definition, { id: 1, sleepInMs: 300 });
      const second = opened.execute(executionOf(definition, { id: 2, file }), giveUp.signal);
      giveUp.abort();
      expect(await second).toMatchObject(aborted);
      expect(await first).toEqual({ kind: 'returned', payload: '1' });
      expect(await opened.execute(executionOf(definition), AbortSignal.abort())).toMatchObject(aborted);
      expect(await execute(opened, definition, { id: 3 })).toEqual({ kind: 'returned', payload: '3' });
      expect(() => readFileSync(file)).toThrow('ENOENT');
    });

    test('gets an aborted signal, and ends within the grace period when it listens', async () => {
      // Longer than the test may take: only a handler that listens ends the execution.
      const opened = open({ abortGraceInMs: 600_000 });
      const definition = processFunction({ export: 'untilAborted' });
      const giveUp = new AbortController();
      const file = scratchFile();
      const running = opened.execute(executionOf(definition, { id: 1, file }), giveUp.signal);
      await expect.poll(() => existsSync(file), { timeout: 30_000 }).toBe(true);
      giveUp.abort();
      expect(await running).toMatchObject(aborted);
    });

    test('is killed after the grace period when it ignores the signal; the others run elsewhere', async () => {
      const opened = open({ abortGraceInMs: 100 });
      const definition = processFunction({ export: 'mixed', concurrency: 1 });
      await makeFast(opened, definition);
      const giveUp = new AbortController();
      const running = opened.execute(executionOf(definition, { id: 'bad', spinInMs: 60_000 }), giveUp.signal);
      const neighbour = execute(opened, definition, { id: 2 });
      await execute(opened, processFunction({ name: 'other', export: 'sleep' }), { inMs: 100 });
      giveUp.abort();
      expect(await running).toMatchObject(aborted);
      expect(await neighbour).toEqual({ kind: 'returned', payload: '2' });
    });
  });

  describe('closing', () => {
    test('loses running executions, aborts waiting ones, and refuses further ones', async () => {
      const opened = open();
      const definition = processFunction({ export: 'sleep', concurrency: 1 });
      const pid = Number(payloads([await execute(opened, definition, { inMs: 20 })])[0]);
      const [running, waiting] = [1, 2].map(() => execute(opened, definition, { inMs: 60_000 }));
      await opened.close();
      expect(await running).toMatchObject({ failure: { kind: 'lost' } });
      expect(await waiting).toMatchObject({ failure: { kind: 'platform' } });
      expect(await opened.execute(executionOf(definition), neverAborted())).toMatchObject({ failure: { kind: 'platform' } });
      expect(isRunning(pid)).toBe(false);
    });
  });
}

function payloads(results: ExecutionResult[]): string[] {
  return results.map((result) => (result.kind === 'returned' ? result.payload : JSON.stringify(result.failure)));
}

async function makeFast(opened: FunctionHost, definition: FunctionDefinition): Promise<void> {
  for (let id = 0; id < 50; id++) await execute(opened, definition, { id });
}

/** The processes that serve rounds of executions until there are `count` of them, and a round after that. */
async function pidsOfRounds(definition: FunctionDefinition, opened: FunctionHost, count: number): Promise<Set<string>> {
  const pids = new Set<string>();
  const round = async () => {
    const results = await Promise.all(Array.from({ length: 4 * count }, () => execute(opened, definition, { inMs: 100 })));
    for (const pid of payloads(results)) pids.add(pid);
  };
  // On a busy machine a process may start only after a round.
  while (pids.size < count) await round();
  await round();
  return pids;
}
