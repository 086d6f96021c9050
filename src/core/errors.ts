/** What every error of Sequent says: a stable code, whether trying again can help, and the facts. */
export abstract class SequentError extends Error {
  abstract readonly code: string;
  abstract readonly retryable: boolean;
  override get name(): string {
    return this.constructor.name;
  }
}

/** A value from outside is not acceptable. The message says which and why. */
export class InvalidInputError extends SequentError {
  readonly code = 'INVALID_INPUT';
  readonly retryable = false;
  readonly field: string;
  constructor({ field, problem }: { field: string; problem: string }, options?: ErrorOptions) {
    super(`${field} ${problem}`, options);
    this.field = field;
  }
}

export class FunctionNotFoundError extends SequentError {
  readonly code = 'FUNCTION_NOT_FOUND';
  readonly retryable = false;
  constructor(facts: { name: string }, options?: ErrorOptions) {
    super(`function "${facts.name}" does not exist`, options);
  }
}

export class InvocationNotFoundError extends SequentError {
  readonly code = 'INVOCATION_NOT_FOUND';
  readonly retryable = false;
  constructor(facts: { id: string }, options?: ErrorOptions) {
    super(`no invocation "${facts.id}" is in the log`, options);
  }
}

/** No projection answers, or not in time. */
export class HistoryUnavailableError extends SequentError {
  readonly code = 'HISTORY_UNAVAILABLE';
  readonly retryable = true;
  constructor(facts: { why: string }, options?: ErrorOptions) {
    super(`the history of the invocations cannot be asked: ${facts.why}`, options);
  }
}

/** Somebody else changed it since it was read. */
export class ConflictError extends SequentError {
  readonly code = 'CONFLICT';
  readonly retryable = true;
  constructor(facts: { what: string }, options?: ErrorOptions) {
    super(`${facts.what} was changed by somebody else meanwhile`, options);
  }
}

/** What was asked for does not fit the state that something is in. */
export class WrongStateError extends SequentError {
  readonly code = 'WRONG_STATE';
  readonly retryable = false;
  constructor(facts: { what: string }, options?: ErrorOptions) {
    super(facts.what, options);
  }
}

/** NATS cannot be reached, or JetStream is off. */
export class NatsUnavailableError extends SequentError {
  readonly code = 'NATS_UNAVAILABLE';
  readonly retryable = true;
  constructor(facts: { servers: string; why: string }, options?: ErrorOptions) {
    super(`cannot use NATS at ${facts.servers}: ${facts.why}`, options);
  }
}

/** The log refuses to store more (disk or limit full). Nothing was stored. */
export class LogFullError extends SequentError {
  readonly code = 'LOG_FULL';
  readonly retryable = true;
  constructor(facts: { why: string }, options?: ErrorOptions) {
    super(`the log accepts nothing more: ${facts.why}`, options);
  }
}

/**
 * It is unknown whether the message was stored, and reading back did not tell within the budget (A1).
 * A retry under the same request id is safe.
 */
export class UnknownOutcomeError extends SequentError {
  readonly code = 'UNKNOWN_OUTCOME';
  readonly retryable = true;
  readonly id: string;
  constructor(facts: { id: string; waitedInMs: number }, options?: ErrorOptions) {
    super(`it is unknown whether "${facts.id}" was stored: no answer within ${facts.waitedInMs} ms`, options);
    this.id = facts.id;
  }
}

export class TimedOutError extends SequentError {
  readonly code = 'TIMED_OUT';
  readonly retryable = true;
  constructor(facts: { what: string; afterMs: number }, options?: ErrorOptions) {
    super(`${facts.what} did not happen within ${facts.afterMs} ms`, options);
  }
}

/** The text of whatever was thrown, also when it is not an `Error`. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
