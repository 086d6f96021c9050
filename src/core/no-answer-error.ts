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
