import {
  FunctionNotFoundError,
  HistoryUnavailableError,
  InvalidPayloadError,
  SequentError,
  UnknownOutcomeError,
  type VersionRefusal,
  VersionRefusedError,
} from '#src/core/errors.ts';

/** One thing that is wrong with a request: where, and what. */
export type Issue = { detail: string; pointer?: string; parameter?: string };

/** A reply that is an error, in the words of the vendor's API; the own API says the same as a problem. */
export class HttpError extends SequentError {
  readonly code = 'HTTP_ERROR';
  readonly retryable: boolean;
  readonly status: number;
  readonly vendorCode: string;
  readonly retryAfterInS: number | undefined;
  readonly errors: readonly Issue[] | undefined;
  /** The Idempotency-Key under which the same request can be repeated, and starts nothing twice. */
  readonly retryKey: string | undefined;
  constructor(
    facts: { status: number; vendorCode?: string; message: string; retryAfterInS?: number; errors?: readonly Issue[]; retryKey?: string },
    options?: ErrorOptions,
  ) {
    super(facts.message, options);
    this.status = facts.status;
    this.vendorCode = facts.vendorCode ?? `FSS.0${facts.status}`;
    this.retryAfterInS = facts.retryAfterInS;
    this.errors = facts.errors;
    this.retryKey = facts.retryKey;
    this.retryable = facts.retryAfterInS !== undefined;
  }
}

/** What the client library throws, as a reply. An error that nobody expected tells the caller nothing. */
export function toHttpError(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown;
  const fact = thrown instanceof SequentError ? statuses[thrown.code] : undefined;
  if (fact === undefined || !(thrown instanceof SequentError))
    return new HttpError({ status: 500, message: 'the gateway failed; its log says why' }, { cause: thrown });
  if (thrown instanceof VersionRefusedError)
    return new HttpError({ ...refusals[thrown.reason], message: thrown.message }, { cause: thrown });
  if (thrown instanceof FunctionNotFoundError && thrown.qualifier !== undefined)
    return new HttpError(
      { status: 404, vendorCode: thrown.qualifier.startsWith('!') ? 'FSS.1053' : 'FSS.1052', message: thrown.message },
      { cause: thrown },
    );
  const { status, vendorCode } = thrown instanceof InvalidPayloadError ? { status: 406, vendorCode: undefined } : fact;
  return new HttpError(
    {
      status,
      message:
        thrown instanceof HistoryUnavailableError ? `${thrown.message} (start one: sequent serve --role projection)` : thrown.message,
      ...(vendorCode === undefined ? {} : { vendorCode }),
      ...(status === 503 || thrown instanceof UnknownOutcomeError ? { retryAfterInS: 1 } : {}),
    },
    { cause: thrown },
  );
}

const refusals: Readonly<Record<VersionRefusal, { status: number; vendorCode: string }>> = {
  unchanged: { status: 400, vendorCode: 'FSS.1016' },
  'version-exists': { status: 409, vendorCode: 'FSS.1062' },
  'version-in-use': { status: 403, vendorCode: 'FSS.1094' },
  'version-aliased': { status: 409, vendorCode: 'FSS.1066' },
  'too-many-versions': { status: 403, vendorCode: 'FSS.1042' },
  'too-many-aliases': { status: 403, vendorCode: 'FSS.1043' },
};

const statuses: Readonly<Record<string, { status: number; vendorCode?: string } | undefined>> = {
  INVALID_INPUT: { status: 400 },
  FUNCTION_NOT_FOUND: { status: 404, vendorCode: 'FSS.1051' },
  INVOCATION_NOT_FOUND: { status: 404 },
  VERSION_REFUSED: { status: 409 },
  CONFLICT: { status: 409 },
  WRONG_STATE: { status: 409 },
  NATS_UNAVAILABLE: { status: 503 },
  HISTORY_UNAVAILABLE: { status: 503 },
  LOG_FULL: { status: 503 },
  LOG_BEHIND: { status: 503 },
  // Another gateway may be upgraded already.
  NEWER_FACTS: { status: 503 },
  // Nobody knows whether it was accepted, as behind a gateway that waited in vain; 503 says that nothing was.
  UNKNOWN_OUTCOME: { status: 504 },
  TIMED_OUT: { status: 504 },
};
