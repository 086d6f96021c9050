import { expect, test } from 'vitest';
import { createResultWaiter } from '#src/client/invoke/results.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';

test('a wait for an outcome goes on when the scheduler does not say whether the invocation exists', async () => {
  const envelope = {
    timestamp: '2026-01-01T00:00:00Z',
    request_context: { request_id: 'order-1', function_urn: '', condition: '', approximate_invoke_count: 1 },
    request_payload: '',
    response_context: { status_code: 200, function_error: '' },
    response_payload: '1',
  };
  let arrive = (): void => {};
  const waiter = createResultWaiter({
    async subscribe(_name, onResult) {
      arrive = () => onResult('order-1', JSON.stringify(envelope));
    },
    open: (found) => found,
    async readOutcome() {
      // The outcome arrives after the question without an answer was given up.
      setImmediate(arrive);
      throw new NoAnswerError({ asked: 'the scheduler', why: 'none within 10000 ms' });
    },
  });
  expect(await waiter.wait('order-1', { timeoutInMs: 10_000 })).toMatchObject(envelope);
});
