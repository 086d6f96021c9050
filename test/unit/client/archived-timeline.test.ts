import { expect, test } from 'vitest';
import { readWholeTimeline } from '#src/client/history/archived-timeline.ts';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import type { History } from '#src/core/history-questions.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import { systemClock } from '#src/core/ports/clock.ts';

const fact = { type: 'queued', invocation: 'order-1', at: 1, function: 'orders', qualifier: 'latest', maxRetries: 0, maxAgeInMs: 60_000 };
const known = { transitions: [{ sequence: 1, by: 'client', fact }], payload: '"archived"' };
const silent = () => Promise.reject(new NoAnswerError({ asked: 'the scheduler', why: 'none within 10000 ms' }));
const failing = (facts: { why: string; isAbsent?: boolean }) => async () => {
  throw new HistoryUnavailableError(facts);
};

/** The look-up of an invocation that the log does not have. */
function read(findQueued: () => Promise<never[]>, ask: () => Promise<object>) {
  const history = { ask } as unknown as History;
  const tenancy = { region: 'local', project: 'default' };
  return readWholeTimeline('order-1', { log: createMemoryLog({ clock: systemClock }), tenancy, findQueued, history, function: 'orders' });
}

test('an archived invocation is read while the scheduler does not answer', async () => {
  expect(await read(silent, async () => known)).toMatchObject({ requestId: 'order-1', requestPayload: '"archived"' });
});

test('an invocation that no read model has is unknown while the scheduler does not answer (A1)', async () => {
  await expect(read(silent, failing({ why: 'no projection runs', isAbsent: true }))).rejects.toMatchObject({ code: 'NO_ANSWER' });
});

test('a purged invocation is unknown while a running projection does not answer (A1)', async () => {
  const late = failing({ why: 'no answer within 10000 ms' });
  await expect(read(async () => [], late)).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' });
});

test('an invocation that the log does not have is absent when no projection runs', async () => {
  const absent = failing({ why: 'no projection runs', isAbsent: true });
  await expect(read(async () => [], absent)).rejects.toMatchObject({ code: 'INVOCATION_NOT_FOUND' });
});
