import { expect, test } from 'vitest';
import { LogFullError, NatsUnavailableError, UnknownOutcomeError } from '#src/core/errors.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import { toHttpError } from '#src/gateway/http/http-error.ts';

test('a failure that passes says when to repeat the request: for a full log later than for an outage', () => {
  const thrown = [
    new LogFullError({ why: 'maximum bytes exceeded' }),
    new NatsUnavailableError({ servers: 'nats://x', why: 'no answer' }),
    new NoAnswerError({ asked: 'the scheduler', why: 'none' }),
    new UnknownOutcomeError({ id: 'a', waitedInMs: 1 }),
    // JetStream answers so while a cluster elects a leader.
    Object.assign(new Error('503'), { name: 'NatsError', code: '503', api_error: { code: 503, err_code: 10_008 } }),
  ];
  expect(
    thrown.map((error) => toHttpError(error)).map(({ status, retryAfterInS, retryable }) => ({ status, retryAfterInS, retryable })),
  ).toEqual([
    { status: 503, retryAfterInS: 10, retryable: true },
    { status: 503, retryAfterInS: 1, retryable: true },
    { status: 503, retryAfterInS: 1, retryable: true },
    { status: 504, retryAfterInS: 1, retryable: true },
    { status: 504, retryAfterInS: 1, retryable: true },
  ]);
});
