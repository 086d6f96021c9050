import { expect, test } from 'vitest';
import { recordOfSummary } from '#src/gateway/vendor/invocations/invocation-record.ts';
import { createProjectedInvocation, foldFact } from '#src/projection/fold/projected-invocation.ts';
import { summaryOf } from '#src/projection/queries/list.ts';
import { failed, queued, running, threw } from '#test/support/log/facts.ts';

test.each([
  ['Error', 'out of stock'],
  ['Shop::Error: late', 'order: 12: not found'],
  ['', ': a colon'],
])('the record of a failure of type "%s" has its whole message', (errorType, message) => {
  const projected = createProjectedInvocation(queued(), { seq: 1, requestSequence: 1, payload: '{}', last: { sequence: 1, at: 0 } });
  for (const [index, fact] of [running(1), failed(1, { failure: { ...threw, errorType, message } })].entries())
    expect(foldFact(projected, fact, { sequence: index + 2, at: fact.at })).toBe(true);
  expect(recordOfSummary(summaryOf(projected))).toMatchObject({ status: 'FAIL', error_message: message, error_code: threw.code });
});
