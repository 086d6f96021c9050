import { LogFullError, NotPermittedError, UnknownOutcomeError } from '#src/core/errors.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { PublishAnswer } from '#src/nats/transport/publisher.ts';

export type PublishRetriesOptions = {
  clock: Clock;
  connection: Pick<Connection, 'isEnding'>;
  /** When the first try started, and how long tries may go on. */
  startedAt: number;
  budgetInMs: number;
  /** The id that an error names. */
  id: string;
  /** True if a second stored copy does no harm, so that a refusal ends the tries even after a try without an answer. */
  isIdempotent?: boolean;
};

export type NotStored = Exclude<PublishAnswer, { kind: 'stored' }>;

/** The retries of a publish that was not stored at its first try. Created only then, because nearly every publish is stored at once. */
export class PublishRetries {
  readonly #options: PublishRetriesOptions;
  #tries = 0;
  #isUnsure = false;
  #isSpent = false;

  constructor(options: PublishRetriesOptions) {
    this.#options = options;
  }

  /** Whether an earlier try had no answer, so that its message may be stored (A1). */
  get isUnsure(): boolean {
    return this.#isUnsure;
  }

  /**
   * Waits until the next try is due. Throws the failure when there is no next try: the budget is spent, this process ends, or a permission is
   * missing, which no operator grants within the budget.
   */
  async wait(answer: NotStored): Promise<void> {
    const { clock, connection, startedAt, budgetInMs, isIdempotent = false } = this.#options;
    if (answer.kind === 'unknown' && !isIdempotent) this.#isUnsure = true;
    const isForbidden = answer.kind === 'refused' && answer.isForbidden === true;
    const leftInMs = startedAt + budgetInMs - clock.now();
    const isLast = connection.isEnding || this.#isSpent || leftInMs < 0;
    if (isLast || (isForbidden && !this.#isUnsure)) throw this.failure(answer);
    await clock.sleep(Math.min(50 * 2 ** this.#tries++, 1_000, leftInMs));
  }

  /** The answer to a try; at the end of the budget, the outcome is unknown without one. */
  async withinBudget(published: Promise<PublishAnswer>): Promise<PublishAnswer> {
    const { clock, startedAt, budgetInMs } = this.#options;
    const answered = new AbortController();
    const spent = clock.sleep(Math.max(0, startedAt + budgetInMs - clock.now()), answered.signal).then((): PublishAnswer => {
      // An answer before ends the sleep, too, and spends nothing.
      if (!answered.signal.aborted) this.#isSpent = true;
      return { kind: 'unknown', why: 'no answer in time' };
    });
    try {
      return await Promise.race([published, spent]);
    } finally {
      answered.abort();
    }
  }

  /** The error for all tries together. A refusal of the last try says nothing about an earlier try without an answer (A1). */
  failure(answer: NotStored): Error {
    const { id, clock, startedAt } = this.#options;
    const waitedInMs = clock.now() - startedAt;
    if (this.#isUnsure || answer.kind === 'conflict') return new UnknownOutcomeError({ id, waitedInMs });
    if (answer.kind === 'unknown') return new UnknownOutcomeError({ id, waitedInMs }, { cause: answer.why });
    return answer.isForbidden ? new NotPermittedError({ message: answer.why }) : new LogFullError({ why: answer.why });
  }
}
