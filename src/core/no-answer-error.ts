import { SequentError } from './errors.ts';

/** A process of Sequent is connected to NATS, and did not answer a question. The answer is unknown, and not "none" (A1). */
export class NoAnswerError extends SequentError {
  readonly code = 'NO_ANSWER';
  readonly retryable = true;
  constructor({ asked, why }: { asked: string; why: string }, options?: ErrorOptions) {
    super(`no answer of ${asked}: ${why}`, options);
  }
}
