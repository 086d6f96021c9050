import {
  FunctionNotFoundError,
  HistoryUnavailableError,
  InvalidPayloadError,
  type Message,
  PayloadTooLargeError,
  SequentError,
  UnknownOutcomeError,
  type VersionRefusal,
  VersionRefusedError,
} from '#src/core/errors.ts';
import { isUnanswered, natsFailureOf } from '#src/core/no-answer-error.ts';
import { QuotaExceededError } from '#src/core/quotas/quota-exceeded-error.ts';

/** One mistake in a request, and the part of the request that contains it. */
export type Issue = { detail: string; pointer?: string; parameter?: string };

/** An error reply. The vendor's API reports it with `vendorCode`; the own API reports it as a problem (RFC 9457). */
export class HttpError extends SequentError {
  readonly code = 'HTTP_ERROR';
  readonly retryable: boolean;
  readonly status: number;
  readonly vendorCode: string;
  readonly retryAfterInS: number | undefined;
  readonly errors: readonly Issue[] | undefined;
  /** The Idempotency-Key with which the caller can repeat the request without starting a second invocation. */
  readonly retryKey: string | undefined;
  /** The role that the credential of the caller lacks. */
  readonly missingRole: string | undefined;
  constructor(
    facts: {
      status: number;
      vendorCode?: string;
      message: Message;
      retryAfterInS?: number;
      errors?: readonly Issue[];
      retryKey?: string;
      missingRole?: string;
    },
    options?: ErrorOptions,
  ) {
    super(facts.message, options);
    this.status = facts.status;
    this.vendorCode = facts.vendorCode ?? `FSS.0${facts.status}`;
    this.retryAfterInS = facts.retryAfterInS;
    this.errors = facts.errors;
    this.retryKey = facts.retryKey;
    this.missingRole = facts.missingRole;
    this.retryable = facts.retryAfterInS !== undefined;
  }
}

/** Whether an error of the NATS client means that NATS did not answer. What was asked for may have happened. */
export function hadNoAnswer(thrown: unknown): boolean {
  if (thrown instanceof SequentError) return false;
  const failure = natsFailureOf(thrown);
  return failure !== undefined && isUnanswered(failure);
}

const UNKNOWN = { status: 504, message: 'NATS did not answer; it is unknown whether the request was performed, and it may still be' };

type ReplyStatus = { status: number; vendorCode?: string; retryAfterInS?: number };

/** Converts an error of the client library into a reply. An unexpected error becomes 500, and its message stays in the log. */
export function toHttpError(thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown;
  const reply = thrown instanceof SequentError ? statusOf(thrown) : undefined;
  if (hadNoAnswer(thrown)) return new HttpError({ ...UNKNOWN, retryAfterInS: 1 }, { cause: thrown });
  if (reply === undefined || !(thrown instanceof SequentError))
    return new HttpError({ status: 500, message: 'the gateway failed; its log says why' }, { cause: thrown });
  const isRetryable = reply.status === 503 || thrown instanceof UnknownOutcomeError;
  const advice = thrown instanceof HistoryUnavailableError && !thrown.isAnswered ? ' (start one: sequent serve --role projection)' : '';
  return new HttpError(
    { ...(isRetryable ? { retryAfterInS: 1 } : {}), ...reply, message: (nameOf) => thrown.messageFor(nameOf) + advice },
    { cause: thrown },
  );
}

function statusOf(error: SequentError): ReplyStatus | undefined {
  if (error instanceof VersionRefusedError) return refusals[error.reason];
  if (error instanceof FunctionNotFoundError && error.qualifier !== undefined)
    return { status: 404, vendorCode: error.qualifier.startsWith('!') ? 'FSS.1053' : 'FSS.1052' };
  if (error instanceof InvalidPayloadError) return { status: 406 };
  if (error instanceof PayloadTooLargeError) return { status: 413 };
  if (error instanceof QuotaExceededError) return quotaStatus(error);
  return statuses[error.code];
}

/** No passing of time makes room for a definition, so its refusal asks for no repetition. */
function quotaStatus({ quota, retryAfterInS }: QuotaExceededError): ReplyStatus {
  if (retryAfterInS !== undefined) return { status: 429, retryAfterInS };
  return { status: 403, ...(quota === 'functions' ? { vendorCode: 'FSS.1041' } : {}) };
}

const refusals: Readonly<Record<VersionRefusal, ReplyStatus>> = {
  unchanged: { status: 400, vendorCode: 'FSS.1016' },
  'version-exists': { status: 409, vendorCode: 'FSS.1062' },
  'version-in-use': { status: 403, vendorCode: 'FSS.1094' },
  'version-aliased': { status: 409, vendorCode: 'FSS.1066' },
  'too-many-versions': { status: 403, vendorCode: 'FSS.1042' },
  'too-many-aliases': { status: 403, vendorCode: 'FSS.1043' },
};

const statuses: Readonly<Record<string, ReplyStatus | undefined>> = {
  INVALID_INPUT: { status: 400 },
  FUNCTION_NOT_FOUND: { status: 404, vendorCode: 'FSS.1051' },
  SCHEDULE_NOT_FOUND: { status: 404 },
  BATCH_NOT_FOUND: { status: 404 },
  INVOCATION_NOT_FOUND: { status: 404 },
  AMBIGUOUS_ID: { status: 409 },
  VERSION_REFUSED: { status: 409 },
  CONFLICT: { status: 409 },
  WRONG_STATE: { status: 409 },
  PROJECT_ERASED: { status: 409 },
  PAYLOAD_UNAVAILABLE: { status: 410 },
  KEY_MISSING: { status: 503 },
  NATS_UNAVAILABLE: { status: 503 },
  HISTORY_UNAVAILABLE: { status: 503 },
  // 503 and not 507 or 429: HTTP clients repeat a 503 after `Retry-After` by default, nearly none repeats a 507, and a 429 blames the caller.
  // A full log stays full for longer than an outage, so callers return less often.
  LOG_FULL: { status: 503, retryAfterInS: 10 },
  LOG_BEHIND: { status: 503 },
  NO_ANSWER: { status: 503 },
  STREAM_LOST: { status: 503 },
  // The caller may reach another gateway that is already upgraded.
  NEWER_FACTS: { status: 503 },
  // The request may have been accepted, hence 504: 503 states that nothing was accepted.
  UNKNOWN_OUTCOME: { status: 504 },
  TIMED_OUT: { status: 504 },
};
