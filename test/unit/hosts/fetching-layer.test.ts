import { expect, test } from 'vitest';
import type { HostLayer } from '#src/core/ports/function-host.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { createFetchingLayer } from '#src/hosts/around/fetching-layer.ts';
import { surroundHost } from '#src/hosts/around/layers.ts';
import { executionOf, neverAborted, processFunction } from '#test/support/hosts/executions.ts';

test('a whole output that the store refuses is named in the log of the worker, and its end is kept', async () => {
  const warned: unknown[] = [];
  const logger: Logger = {
    error: () => {},
    info: () => {},
    debug: () => {},
    warn: (facts, message) => void warned.push({ ...facts, message }),
  };
  const host = surroundHost(
    {
      execute: async () => ({ kind: 'returned', payload: '1', output: 'the end', wholeOutput: { text: 'all of it', isCut: false } }),
      close: async () => {},
    },
    [
      createFetchingLayer(
        { fetch: async (_, payload) => payload, store: () => Promise.reject(new Error('the store is full')) },
        { logger },
      ),
    ],
  );
  const execution = executionOf(processFunction({ name: 'report', maxOutputBytes: 8_192 }));
  expect(await host.execute(execution, neverAborted())).toEqual({ kind: 'returned', payload: '1', output: 'the end' });
  expect(warned).toEqual([
    {
      function: 'report',
      invocation: execution.requestId,
      attempt: execution.attempt,
      error: 'the store is full',
      message: 'the whole output of an attempt could not be stored, so its last 4 KB are kept alone',
    },
  ]);
});

test('an execution passes the layers that it needs, the outermost first, and no other one', async () => {
  const passed: string[] = [];
  const layer = (name: string, needs: boolean): HostLayer => ({
    needs: () => needs,
    execute(execution, signal, run) {
      passed.push(name);
      return run(execution, signal);
    },
  });
  const inner = { execute: async () => ({ kind: 'returned' as const, payload: '1' }), close: async () => {} };
  const host = surroundHost(inner, [layer('first', true), layer('unneeded', false), layer('last', true)]);
  await host.execute(executionOf(processFunction({ name: 'plain' })), neverAborted());
  expect(passed).toEqual(['first', 'last']);
});
