import { expect, test } from 'vitest';
import type { Logger } from '#src/core/ports/logger.ts';
import { createFetchingHost } from '#src/hosts/around/fetching-host.ts';
import { executionOf, neverAborted, processFunction } from '#test/support/hosts/executions.ts';

test('a whole output that the store refuses is named in the log of the worker, and its end is kept', async () => {
  const warned: unknown[] = [];
  const logger: Logger = {
    error: () => {},
    info: () => {},
    debug: () => {},
    warn: (facts, message) => void warned.push({ ...facts, message }),
  };
  const host = createFetchingHost(
    {
      execute: async () => ({ kind: 'returned', payload: '1', output: 'the end', wholeOutput: { text: 'all of it', isCut: false } }),
      close: async () => {},
    },
    { fetch: async (_, payload) => payload, store: () => Promise.reject(new Error('the store is full')) },
    { logger },
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
