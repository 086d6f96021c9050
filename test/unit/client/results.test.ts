import { expect, test } from 'vitest';
import { createResultWaiter, type ResultWaiterOptions } from '#src/client/invoke/results.ts';
import { NatsUnavailableError } from '#src/core/errors.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';

/** A server that accepts subscriptions, and delivers nothing by them. */
const answering: Pick<ResultWaiterOptions, 'subscribe' | 'open' | 'isClosed'> = {
  subscribe: async () => {},
  open: (found) => found,
  isClosed: () => false,
};

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
    isClosed: () => false,
    async readOutcome() {
      // The outcome arrives after the question without an answer was given up.
      setImmediate(arrive);
      throw new NoAnswerError({ asked: 'the scheduler', why: 'none within 10000 ms' });
    },
  });
  expect(await waiter.wait('order-1', { timeoutInMs: 10_000 })).toMatchObject(envelope);
});

test('a wait for an outcome goes on while NATS does not answer, and says so at its end', async () => {
  let reads = 0;
  const waiter = createResultWaiter({
    ...answering,
    async readOutcome() {
      reads++;
      throw new NatsUnavailableError({ servers: 'nats://localhost', why: 'not connected' });
    },
  });
  await expect(waiter.wait('order-1', { timeoutInMs: 50 })).rejects.toThrow(NatsUnavailableError);
  expect(reads).toBe(1);
});

test('a wait for an outcome ends by its own time limit when the server accepts no subscription', async () => {
  const waiter = createResultWaiter({
    subscribe: () => new Promise(() => {}),
    open: (found) => found,
    isClosed: () => false,
    readOutcome: async () => undefined,
  });
  await expect(waiter.wait('order-1', { timeoutInMs: 50 })).rejects.toThrow('the outcome of order-1 did not happen within 50 ms');
});

test('a thousand waits of one project read the log a few at a time, and leave turns to others (SHARE1)', async () => {
  const reading: string[] = [];
  let end = (): void => {};
  const ended = new Promise<undefined>((resolve) => {
    end = () => resolve(undefined);
  });
  const waiter = createResultWaiter({
    ...answering,
    async readOutcome(id) {
      reading.push(id);
      return await ended;
    },
  });
  const wait = (id: string, name: string) => waiter.wait(id, { name: name as FunctionName, timeoutInMs: 200 }).catch(() => undefined);
  const waits = Array.from({ length: 1_000 }, (_, index) => wait(`of-shop-${index}`, 'shop=a'));
  waits.push(wait('of-acme', 'acme=a'));
  await expect.poll(() => reading).toContain('of-acme');
  expect(reading.filter((id) => id !== 'of-acme').length).toBeLessThan(8);
  end();
  await Promise.all(waits);
});

test('a wait for an outcome ends with its signal, and reads the log no further', async () => {
  let reads = 0;
  const waiter = createResultWaiter({
    ...answering,
    async readOutcome() {
      reads++;
      return undefined;
    },
  });
  const callers = Array.from({ length: 20 }, () => new AbortController());
  const waits = callers.map(({ signal }) => waiter.wait('order-1', { timeoutInMs: 60_000, signal }).catch((error: Error) => error.message));
  for (const caller of callers) caller.abort(new Error('the caller is gone'));
  expect(new Set(await Promise.all(waits))).toEqual(new Set(['the caller is gone']));
  expect(reads).toBeLessThan(20);
});
