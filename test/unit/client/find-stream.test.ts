import { expect, test } from 'vitest';
import { findStream } from '#src/client/find-stream.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import type { History } from '#src/core/history-questions.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';

const ID = 'order-4711';

/** A look-up in a log that knows the id of some functions, beside a read model that needs five seconds for its answer. */
async function find(logged: readonly string[]): Promise<string> {
  const slow = {
    async ask(_question: string, _query: object, { timeoutInMs = 10_000 } = {}) {
      if (timeoutInMs < 5_000) throw new HistoryUnavailableError({ why: `no answer within ${timeoutInMs} ms` });
      return { invocations: [{ function: 'archived' }] };
    },
  } as unknown as History;
  const log = { findAll: async () => logged.map((name) => ({ function: name as FunctionName, stream: ID as StreamId })) };
  return (await findStream(ID, {}, { log, findQueued: async () => [], history: slow })).function;
}

test('an invocation that only a read model knows is found by a slow one too', async () => {
  expect(await find([])).toBe('archived');
});

test('an invocation that the log knows does not wait for a slow read model', async () => {
  expect(await find(['orders'])).toBe('orders');
});
