import { NatsError } from 'nats';
import { describe, expect, test } from 'vitest';
import { errorCodeOf, isMessageGone, isStorageExhausted, isUndecided, isWrongLastSequence } from '#src/nats/transport/errors.ts';

function apiError(code: number): NatsError {
  const error = new NatsError('refused', '400');
  error.api_error = { code: 400, err_code: code, description: 'refused' };
  return error;
}

describe("JetStream's error codes", () => {
  test('are read from an error of the API, and from no other error', () => {
    expect(errorCodeOf(apiError(10_071))).toBe(10_071);
    expect(errorCodeOf(new NatsError('timed out', 'TIMEOUT'))).toBeUndefined();
    expect(errorCodeOf(new Error('wrong last sequence (10071)'))).toBeUndefined();
    expect(errorCodeOf(undefined)).toBeUndefined();
  });

  test.for([
    ['wrong last sequence', isWrongLastSequence, [10_071, 10_164]],
    ['storage exhausted', isStorageExhausted, [10_023, 10_028, 10_047, 10_077]],
    ['undecided', isUndecided, [10_008, 10_158, 10_163]],
    ['message gone', isMessageGone, [10_037, 10_043, 10_057]],
  ] as const)('of the kind "%s" are exactly those of the server', ([, isOfKind, codes]) => {
    const all = Array.from({ length: 300 }, (_, index) => 10_000 + index);
    expect(all.filter(isOfKind)).toEqual(codes);
    expect(isOfKind(undefined)).toBe(false);
  });
});
