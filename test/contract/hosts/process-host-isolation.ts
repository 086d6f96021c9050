import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { BEYOND_PAUSES_IN_MS, execute, isRunning, pidsIn, until } from '#test/support/hosts/executions.ts';
import type { RuntimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';
import { scratchFile } from '#test/support/hosts/scratch-file.ts';

/** The environment of the functions of a runtime, and the processes that they start. */
export function describeProcessHostIsolation(runtime: RuntimeUnderTest): void {
  const { addedVariables, processFunction } = runtime;
  let host: FunctionHost | undefined;
  afterEach(async () => {
    vi.unstubAllEnvs();
    await host?.close();
  });

  function open(): FunctionHost {
    host = createProcessHost();
    return host;
  }

  describe('the environment of a function', () => {
    test('holds only its user data, and a directory of its own that is removed afterwards', async () => {
      vi.stubEnv('NATS_URL', 'nats://secret@127.0.0.1');
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
      const opened = open();
      const result = await execute(opened, processFunction({ export: 'environment', userData: { COLOUR: 'red' } }));
      if (result.kind !== 'returned') throw new Error(JSON.stringify(result));
      const { env, cwd, args } = JSON.parse(result.payload);
      expect(new Set(Object.keys(env))).toEqual(
        new Set([...['PATH', 'HOME', 'TMPDIR', 'COLOUR'], ...(process.env.TZ === undefined ? [] : ['TZ']), ...addedVariables]),
      );
      expect(env).toMatchObject({ COLOUR: 'red', HOME: cwd, TMPDIR: cwd });
      expect(args).toEqual([]);
      expect(existsSync(cwd)).toBe(true);
      await opened.close();
      expect(existsSync(cwd)).toBe(false);
    });
  });

  describe('a process that a function started', () => {
    test('ends after a timeout, whether or not it shares the output', async () => {
      const opened = open();
      const endAfterTimeout = async (inherit: boolean): Promise<void> => {
        const file = scratchFile();
        const definition = processFunction({ name: `sharing-${inherit}`, export: 'fork', timeoutInMs: BEYOND_PAUSES_IN_MS });
        const running = execute(opened, definition, { file, inherit, thenSpin: true });
        const pids = await pidsIn(file);
        expect(pids.map(isRunning)).toEqual([true, true]);
        expect(await running).toMatchObject({ failure: { code: 4010 } });
        await until(() => !pids.some(isRunning), 'the whole group is gone');
      };
      await Promise.all([endAfterTimeout(false), endAfterTimeout(true)]);
    });

    test('ends when the host closes', async () => {
      const opened = open();
      const file = scratchFile();
      expect(await execute(opened, processFunction({ export: 'fork' }), { file })).toEqual({ kind: 'returned', payload: 'forked' });
      const pids = await pidsIn(file);
      await opened.close();
      await until(() => !pids.some(isRunning), 'the whole group is gone');
    });

    test.each(['idle', 'spin'])('ends after a SIGKILL of the host (%s)', async (mode) => {
      const file = scratchFile();
      const program = fileURLToPath(new URL('../../support/hosts/doomed-parent.ts', import.meta.url));
      const definition = JSON.stringify(processFunction({ export: 'fork' }));
      const parent = spawn(process.execPath, ['--import', 'tsx', program, file, mode, definition], { stdio: 'ignore' });
      const pids = await pidsIn(file);
      expect(pids.map(isRunning)).toEqual([true, true]);
      parent.kill('SIGKILL');
      await until(() => !pids.some(isRunning), 'children and grandchildren are gone');
    });
  });
}
