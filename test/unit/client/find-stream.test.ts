import { describe, expect, test } from 'vitest';
import { findStream } from '#src/client/history/find-stream.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import type { History } from '#src/core/history-questions.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';

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

describe('an id that the log does not have at first', () => {
  const nameOf = (name: string) => ({ function: name as FunctionName, stream: ID as StreamId });
  const nothing = { findAll: async () => [] };
  const silent = () => Promise.reject(new NoAnswerError({ asked: 'the scheduler', why: 'none within 10000 ms' }));
  const empty = { ask: async () => ({ invocations: [] }) } as unknown as History;
  const failing = (facts: { why: string; isAbsent?: boolean }) =>
    ({ ask: () => Promise.reject(new HistoryUnavailableError(facts)) }) as unknown as History;

  test('is found when its first append comes while the other roles are asked', async () => {
    const reads = [[], [nameOf('orders')]];
    const log = { findAll: async () => reads.shift() ?? [] };
    expect(await findStream(ID, {}, { log, findQueued: async () => [], history: empty })).toEqual(nameOf('orders'));
  });

  test('is unknown, and not absent, when the scheduler does not answer (A1)', async () => {
    await expect(findStream(ID, {}, { log: nothing, findQueued: silent, history: empty })).rejects.toMatchObject({
      code: 'NO_ANSWER',
      retryable: true,
    });
  });

  test('is unknown, and not absent, when a running read model does not answer (A1)', async () => {
    const history = failing({ why: 'no answer within 10000 ms' });
    await expect(findStream(ID, {}, { log: nothing, findQueued: async () => [], history })).rejects.toThrow('no answer within 10000 ms');
  });

  test('is absent when neither a scheduler nor a projection runs', async () => {
    const history = failing({ why: 'no projection runs', isAbsent: true });
    await expect(findStream(ID, {}, { log: nothing, findQueued: async () => [], history })).rejects.toMatchObject({
      code: 'INVOCATION_NOT_FOUND',
    });
  });

  test('is found by one role while another one does not answer', async () => {
    const findQueued = async () => [{ name: nameOf('orders'), request: 1 }];
    const history = failing({ why: 'no answer within 10000 ms' });
    expect(await findStream(ID, {}, { log: nothing, findQueued, history })).toEqual(nameOf('orders'));
    const archived = { ask: async () => ({ invocations: [{ function: 'orders' }] }) } as unknown as History;
    expect(await findStream(ID, {}, { log: nothing, findQueued: silent, history: archived })).toEqual(nameOf('orders'));
  });

  test('of a stream that the log has is found without an answer of the scheduler', async () => {
    const log = { findAll: async () => [nameOf('orders')] };
    expect(await findStream(ID, {}, { log, findQueued: silent, history: empty })).toEqual(nameOf('orders'));
  });
});
