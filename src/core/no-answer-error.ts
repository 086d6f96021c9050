import { SequentError } from './errors.ts';

/** A process of Sequent is connected to NATS, and did not answer a question. The answer is unknown, and not "none" (A1). */
export class NoAnswerError extends SequentError {
  readonly code = 'NO_ANSWER';
  readonly retryable = true;
  constructor({ asked, why }: { asked: string; why: string }, options?: ErrorOptions) {
    super(`no answer of ${asked}: ${why}`, options);
  }
}

/** Turns a `NoAnswerError` into `undefined`, for a caller that can say that something is unknown. Throws any other error. */
export function unknownInSilence(error: unknown): undefined {
  if (!(error instanceof NoAnswerError)) throw error;
}

/** The codes of the NATS client for a request without an answer. */
const unansweredCodes: ReadonlySet<string> = new Set([
  '408',
  '503',
  'CONNECTION_CLOSED',
  'CONNECTION_DRAINING',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'DISCONNECT',
  'IDLE_HEARTBEAT',
  'TIMEOUT',
]);

/** An error of the NATS client. `api_error` is an answer of JetStream that refuses. */
export type NatsFailure = Error & { code: string; api_error?: { err_code?: number; description?: string } };

/** The error of the NATS client in the chain of causes, if there is one. */
export function natsFailureOf(thrown: unknown): NatsFailure | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++) {
    if (error.name === 'NatsError' && 'code' in error) return error as NatsFailure;
  }
  return undefined;
}

/** Whether NATS did not answer. A refusal is an answer. */
export function isUnanswered({ code, api_error: refusal }: NatsFailure): boolean {
  return refusal === undefined && unansweredCodes.has(code);
}
