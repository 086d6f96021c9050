import { SequentError } from '#src/core/errors.ts';

/** A reply that is an error, in the words of the vendor's API; the own API says the same as a problem. */
export class HttpError extends SequentError {
  readonly code = 'HTTP_ERROR';
  readonly retryable: boolean;
  readonly status: number;
  readonly vendorCode: string;
  readonly retryAfterInS: number | undefined;
  constructor(facts: { status: number; vendorCode?: string; message: string; retryAfterInS?: number }, options?: ErrorOptions) {
    super(facts.message, options);
    this.status = facts.status;
    this.vendorCode = facts.vendorCode ?? `FSS.0${facts.status}`;
    this.retryAfterInS = facts.retryAfterInS;
    this.retryable = facts.retryAfterInS !== undefined;
  }
}

/** What the client library throws, as a reply. An error that nobody expected tells the caller nothing. */
export function toHttpError(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown;
  const fact = thrown instanceof SequentError ? statuses[thrown.code] : undefined;
  if (fact === undefined || !(thrown instanceof SequentError))
    return new HttpError({ status: 500, message: 'the gateway failed; its log says why' }, { cause: thrown });
  const isPayload = thrown.code === 'INVALID_INPUT' && thrown.message.startsWith('the payload is not JSON');
  const { status, vendorCode } = isPayload ? { status: 406, vendorCode: undefined } : fact;
  return new HttpError(
    {
      status,
      message: thrown.message,
      ...(vendorCode === undefined ? {} : { vendorCode }),
      ...(status === 503 ? { retryAfterInS: 1 } : {}),
    },
    { cause: thrown },
  );
}

const statuses: Readonly<Record<string, { status: number; vendorCode?: string } | undefined>> = {
  INVALID_INPUT: { status: 400 },
  FUNCTION_NOT_FOUND: { status: 404, vendorCode: 'FSS.1051' },
  INVOCATION_NOT_FOUND: { status: 404 },
  CONFLICT: { status: 409 },
  WRONG_STATE: { status: 409 },
  NATS_UNAVAILABLE: { status: 503 },
  LOG_FULL: { status: 503 },
  UNKNOWN_OUTCOME: { status: 503 },
  TIMED_OUT: { status: 504 },
};
