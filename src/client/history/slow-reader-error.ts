import { SequentError } from '#src/core/errors.ts';

/** A subscriber without JetStream's API reads more slowly than outcomes arrive, and the server does not wait for it. */
export class SlowReaderError extends SequentError {
  readonly code = 'SLOW_READER';
  readonly retryable = true;
  constructor(facts: { name: string; kept: number }, options?: ErrorOptions) {
    super(
      `more than ${facts.kept} outcomes of "${facts.name}" wait for the reading loop, and later ones are lost: subscribe again`,
      options,
    );
  }
}
