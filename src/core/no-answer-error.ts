import { SequentError } from './errors.ts';

/** A process of Sequent is connected to NATS, and did not answer a question. The answer is unknown, and not "none" (A1). */
export class NoAnswerError extends SequentError {
  readonly code = 'NO_ANSWER';
  readonly retryable = true;
  constructor({ asked, why }: { asked: string; why: string }, options?: ErrorOptions) {
    super(`no answer of ${asked}: ${why}; ask again`, options);
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

/** The error code with which JetStream answers while a cluster elects a leader. The code does not say whether the request was performed. */
export const SYSTEM_UNAVAILABLE = 10_008;

/** Whether NATS did not answer. A refusal is an answer. */
export function isUnanswered({ code, api_error: refusal }: NatsFailure): boolean {
  return refusal === undefined ? unansweredCodes.has(code) : refusal.err_code === SYSTEM_UNAVAILABLE;
}

/** How often a read is sent at most. With the time limit of a request, that is 15 seconds. */
const MAX_READS = 3;

/** Repeats a read that a busy server leaves without an answer, for a caller that waits for much longer. */
export async function readPatiently<Value>(read: () => Promise<Value>): Promise<Value> {
  for (let reads = 1; ; reads++) {
    try {
      return await read();
    } catch (error) {
      const failure = natsFailureOf(error);
      if (reads === MAX_READS || failure === undefined || !isUnanswered(failure)) throw error;
    }
  }
}
