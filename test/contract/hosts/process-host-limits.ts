import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { BEYOND_PAUSES_IN_MS, execute, isRunning, until } from '#test/support/hosts/executions.ts';
import type { RuntimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';
import { scratchFile } from '#test/support/hosts/scratch-file.ts';

/** The limits of the functions of a runtime: time, memory, output, and the end of their processes. */
export function describeProcessHostLimits(runtime: RuntimeUnderTest): void {
  const { processFunction } = runtime;
  const host: FunctionHost = createProcessHost();
  afterAll(() => host.close());
  /** Python's interpreter is another option of the host, and an executable has none. */
  const isPython = runtime.id === 'python';
  const isExecutable = runtime.id === 'executable';

  describe.concurrent('the timeout', () => {
    test('ends a handler whose promise never settles, without much delay', async () => {
      const definition = processFunction({ name: 'never', export: 'never', timeoutInMs: 200 });
      const message = 'function invocation timed out after 200 ms';
      // A process starts, and may pause for 5 s. An execution of 10 s in another process ends later nevertheless.
      const longer = execute(host, processFunction({ name: 'sleep', export: 'sleep' }), { inMs: 10_000 });
      const startedAt = performance.now();
      const first = await Promise.race([execute(host, definition), longer]);
      expect(first).toMatchObject({ kind: 'failed', failure: { kind: 'function', code: 4010, message } });
      expect(performance.now() - startedAt).toBeGreaterThan(200);
    });

    test('ends a busy loop, and keeps its output', async () => {
      const definition = processFunction({ name: 'spin', export: 'spin', timeoutInMs: BEYOND_PAUSES_IN_MS });
      expect(await execute(host, definition)).toMatchObject({ failure: { code: 4010 }, output: 'before the loop\n' });
    });

    test('does not prevent further executions of the function', async () => {
      const definition = processFunction({ name: 'mixed', export: 'mixed', timeoutInMs: BEYOND_PAUSES_IN_MS });
      expect(await execute(host, definition, { id: 1, spinInMs: 60_000 })).toMatchObject({ failure: { code: 4010 } });
      expect(await execute(host, definition, { id: 2 })).toEqual({ kind: 'returned', payload: '2' });
    });
  });

  describe('the end of the process', () => {
    test.each([0, 7])('process.exit(%i) fails the attempt with 4204, and keeps the output', async (code) => {
      const definition = processFunction({ name: 'exit', export: 'exit' });
      expect(await execute(host, definition, { code })).toEqual({
        kind: 'failed',
        failure: { kind: 'function', code: 4204, errorType: 'ProcessExited', message: `function process exited with code ${code}` },
        output: 'leaving\n',
      });
    });

    test('a crash fails the attempt with 4204', async () => {
      const definition = processFunction({ name: 'crash', export: 'crash' });
      const message = 'function process was ended by SIGSEGV';
      expect(await execute(host, definition)).toMatchObject({ failure: { kind: 'function', code: 4204, message } });
    });

    test('repeatedly before an execution can start also fails the attempt', async () => {
      const definition = processFunction({ name: 'leaving', export: 'never', initializer: 'leavingInitializer' });
      // A program ends before or after its first poll.
      const code = expect.toBeOneOf(runtime.id === 'custom' ? [4201, 4204] : [4204]);
      expect(await execute(host, definition)).toMatchObject({ failure: { kind: 'function', code } });
    });

    test.skipIf(isPython || isExecutable)('by a signal before its first line costs a second process, and not the attempt', async () => {
      // A new process belongs to the group of the worker until it leads a group of its own: too short a time to send a signal in a test.
      const started = scratchFile();
      const command = `${started}.sh`;
      writeFileSync(command, `#!/bin/sh\nmkdir '${started}' 2>/dev/null && kill -s TERM $$\nexec '${process.execPath}' "$@"\n`, {
        mode: 0o755,
      });
      const signalled = createProcessHost({ command });
      onTestFinished(() => signalled.close());
      expect(await execute(signalled, processFunction({ name: 'echo', export: 'mixed' }), { id: 7 })).toEqual({
        kind: 'returned',
        payload: '7',
      });
      expect(existsSync(started)).toBe(true);
    });

    // A program has no descriptor of the channel: the test of custom runtimes shows it.
    test.skipIf(runtime.id === 'custom')(
      'a function that writes to the channel of the runtime is ended, and its line is ignored',
      async () => {
        const definition = processFunction({ name: 'forge', export: 'forge' });
        expect(await execute(host, definition)).toMatchObject({ failure: { kind: 'function', code: 4204 } });
      },
    );
  });

  describe('a process that cannot start', () => {
    test.skipIf(isExecutable)('is a failure of the platform when the executable is missing', async () => {
      const opened = createProcessHost(isPython ? { python: '/nowhere/python3' } : { command: '/nowhere/node' });
      onTestFinished(() => opened.close());
      const failure = { kind: 'platform', code: 161900, message: expect.stringContaining('ENOENT') };
      expect(await execute(opened, processFunction({ export: 'echo' }))).toMatchObject({ kind: 'failed', failure });
    });

    test('is a failure of the platform when the system refuses the start', async () => {
      const definition = processFunction({ export: 'echo', userData: { large: 'x'.repeat(4_000_000) } });
      const failure = { kind: 'platform', code: 161900, message: expect.stringContaining('E2BIG') };
      expect(await execute(host, definition)).toMatchObject({ kind: 'failed', failure });
    });
  });

  describe('the memory limit', () => {
    test.each(['fillHeap', 'fillBuffers'])('%s ends with 4205', async (name) => {
      const definition = processFunction({ name, export: name, memoryInMb: 64, timeoutInMs: 40_000 });
      const message = expect.stringContaining('runtime memory limit exceeded');
      expect(await execute(host, definition)).toMatchObject({ failure: { kind: 'function', code: 4205, message } });
    });
  });

  describe('output', () => {
    test('is captured separately for each execution', async () => {
      const definition = processFunction({ name: 'print', export: 'print' });
      const texts = Array.from({ length: 200 }, (_, i) => `line ${i}`);
      const results = await Promise.all(texts.map((text) => execute(host, definition, { text })));
      expect(results).toEqual(texts.map((text) => ({ kind: 'returned', payload: text, output: `${text}\n` })));
    });

    test('of megabytes does not block, and its last 4,096 bytes are kept, cut between characters', async () => {
      const definition = processFunction({ name: 'flood', export: 'printMegabytes' });
      const before = process.memoryUsage().rss;
      const result = await execute(host, definition);
      expect(result).toMatchObject({ kind: 'returned', payload: 'printed' });
      expect(Buffer.byteLength(result.output ?? '')).toBeLessThanOrEqual(4_096);
      expect(Buffer.byteLength(result.output ?? '')).toBeGreaterThan(4_090);
      expect(result.output).toMatch(/^[ß\n]+the end$/);
      expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    });

    test('that bypasses the runtime does not block', async () => {
      const definition = processFunction({ name: 'raw', export: 'printWithoutRuntime' });
      expect(await execute(host, definition)).toMatchObject({ kind: 'returned', payload: 'written' });
    });

    test('between executions is dropped', async () => {
      const definition = processFunction({ name: 'late', export: 'printLater' });
      const [awaited, printed] = [scratchFile(), scratchFile()];
      expect(await execute(host, definition, { id: 1, files: [awaited, printed] })).toEqual({ kind: 'returned', payload: '1' });
      writeFileSync(awaited, '');
      await until(() => existsSync(printed), 'the function printed');
      expect(await execute(host, definition, { id: 2 })).toEqual({ kind: 'returned', payload: '2' });
    });
  });

  describe('the processes of a deleted function', () => {
    test('end within moments, although they would wait for work for a minute, and others stay', async () => {
      const deleted = new Set<string>();
      const opened = createProcessHost({ idleInMs: 60_000, isDefined: (name) => !deleted.has(name) });
      onTestFinished(() => opened.close());
      const pidOf = async (name: string): Promise<number> => {
        const result = await execute(opened, processFunction({ name, export: 'pid' }), {});
        return result.kind === 'returned' ? Number(result.payload) : Number.NaN;
      };
      const [gone, kept] = [await pidOf('gone'), await pidOf('kept')];
      deleted.add('gone');
      await until(() => !isRunning(gone), 'the process of the deleted function ended');
      expect(isRunning(kept)).toBe(true);
    });
  });
}
