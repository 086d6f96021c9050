import { describe, expect, test } from 'vitest';
import type { Condition, Fact } from '#machines/facts.ts';
import { invocationFolder } from '#machines/invocation.ts';
import { NOT_ENCRYPTED } from '#src/core/encryption/sealed-text.ts';
import { encodeEnvelope } from '#src/core/log/envelope.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { failed, queued, retrying, running, succeeded, threw } from '#test/support/log/facts.ts';
import { fold } from '#test/support/log/given.ts';

const tenancy = { region: 'local', project: 'default' };
const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const request: AcceptedRequest = { fact: queued({ at }), payload: '{"id":7}' };

function envelopeOf(...past: Fact[]): string {
  return encodeEnvelope(tenancy, request, fold(invocationFolder, [request.fact, ...past]));
}

describe('the envelope of an outcome', () => {
  test('of a success has exactly the keys of SRC7, in their order', () => {
    expect(envelopeOf(running(1), succeeded(1, { payload: '"hello world!"' }))).toBe(
      '{"timestamp":"2026-01-02T03:04:05.678Z",' +
        '"request_context":{"request_id":"order-1","function_urn":"urn:fss:local:default:function:default:orders:latest",' +
        '"condition":"","approximate_invoke_count":1},' +
        '"request_payload":"{\\"id\\":7}",' +
        '"response_context":{"status_code":200,"function_error":""},' +
        '"response_payload":"\\"hello world!\\""}',
    );
  });

  test('of a failed function has status 200, the error, and the number of attempts', () => {
    const failure = { ...threw, stackTrace: ['at handler (index.mjs:1:1)'] };
    const text = envelopeOf(running(1), retrying(1), running(2, { at: 20 }), failed(2, { failure }));
    expect(JSON.parse(text)).toEqual({
      timestamp: '2026-01-02T03:04:05.678Z',
      request_context: {
        request_id: 'order-1',
        function_urn: 'urn:fss:local:default:function:default:orders:latest',
        condition: 'UnhandledInvocationError',
        approximate_invoke_count: 2,
      },
      request_payload: '{"id":7}',
      response_context: { status_code: 200, function_error: 'boom' },
      response_payload: '{"errorMessage":"boom","errorType":"Error","stackTrace":["at handler (index.mjs:1:1)"]}',
    });
  });

  test.for<[Condition, number]>([
    ['UnhandledInvocationError', 200],
    ['EventAgeExceeded', 408],
    ['FunctionNotFound', 404],
    ['PayloadTooLarge', 413],
    ['InvalidPayload', 406],
    ['InvalidRequest', 400],
    ['LoopDetected', 508],
    ['InvocationCanceled', 499],
    ['SystemError', 500],
  ])('that failed with %s has the system status %i (SRC8)', ([condition, code]) => {
    const { request_context, response_context } = JSON.parse(envelopeOf(failed(0, { condition })));
    expect(request_context).toMatchObject({ condition, approximate_invoke_count: 0 });
    expect(response_context.status_code).toBe(code);
  });

  test('of a request in plain text that its project encrypts does not repeat the text (ENC6)', () => {
    const refused = (message: string) => failed(0, { condition: 'InvalidRequest', failure: { ...threw, message } });
    expect(JSON.parse(envelopeOf(refused(`${NOT_ENCRYPTED}; send it over HTTP`))).request_payload).toBe('');
    expect(JSON.parse(envelopeOf(refused('the batch is malformed'))).request_payload).toBe('{"id":7}');
  });

  test('is the same text each time it is encoded', () => {
    const past = [running(1), succeeded(1)];
    expect(envelopeOf(...past)).toBe(envelopeOf(...structuredClone(past)));
  });

  test('empties the request payload first, then the response payload, when it is too large', () => {
    const big = { ...request, payload: JSON.stringify('ü'.repeat(1_000)) };
    const done = fold(invocationFolder, [request.fact, running(1), succeeded(1, { payload: JSON.stringify('y'.repeat(1_500)) })]);
    const sizes = [10_000, 2_500, 1_000].map((maxBytes) => {
      const text = encodeEnvelope(tenancy, big, done, maxBytes);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
      const { request_payload, response_payload } = JSON.parse(text);
      return [request_payload.length, response_payload.length];
    });
    expect(sizes).toEqual([
      [1_002, 1_502],
      [0, 1_502],
      [0, 0],
    ]);
  });
});
