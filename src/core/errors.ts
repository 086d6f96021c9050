/** Returns the name under which the reader of a message knows a function. */
export type NameOf = (name: string) => string;
/** A message. A message that names functions is composed for its reader. */
export type Message = string | ((nameOf: NameOf) => string);

/** Composes a message for a reader; by default with the names of the log and of the registry. */
function textOf(message: Message, nameOf: NameOf = (name) => name): string {
  return typeof message === 'string' ? message : message(nameOf);
}

/** The base of every error of Sequent: a stable code, whether a retry can succeed, and the facts in the message. */
export abstract class SequentError extends Error {
  abstract readonly code: string;
  abstract readonly retryable: boolean;
  readonly #message: Message;
  constructor(message: Message, options?: ErrorOptions) {
    super(textOf(message), options);
    this.#message = message;
  }
  /** The message for a reader who knows functions under other names, such as the caller of one project. */
  messageFor(nameOf: NameOf): string {
    return textOf(this.#message, nameOf);
  }
  override get name(): string {
    return this.constructor.name;
  }
}

/** An input value was refused. The message names the field and the reason. */
export class InvalidInputError extends SequentError {
  readonly code = 'INVALID_INPUT';
  readonly retryable = false;
  readonly field: string;
  constructor({ field, problem }: { field: string; problem: Message }, options?: ErrorOptions) {
    super((nameOf) => `${field} ${textOf(problem, nameOf)}`, options);
    this.field = field;
  }
}

/** The payload of a request is no JSON text. */
export class InvalidPayloadError extends InvalidInputError {
  constructor({ why }: { why: string }, options?: ErrorOptions) {
    super({ field: 'the payload', problem: `is not JSON: ${why}` }, options);
  }
}

/** The payload of a request has more bytes than its function accepts. */
export class PayloadTooLargeError extends InvalidInputError {
  constructor({ bytes, max }: { bytes: number; max: number }) {
    super({ field: 'the payload', problem: `has ${bytes} bytes; at most ${max} are accepted` });
  }
}

/** The function does not exist, or has no such version or alias. */
export class FunctionNotFoundError extends SequentError {
  readonly code = 'FUNCTION_NOT_FOUND';
  readonly retryable = false;
  /** The version or `!alias` that the function does not have; `undefined` when the function does not exist. */
  readonly qualifier: string | undefined;
  constructor({ name, qualifier }: { name: string; qualifier?: string }, options?: ErrorOptions) {
    super((nameOf) => describeMissing(nameOf(name), qualifier), options);
    this.qualifier = qualifier;
  }
}

/** No schedule has this name. */
export class ScheduleNotFoundError extends SequentError {
  readonly code = 'SCHEDULE_NOT_FOUND';
  readonly retryable = false;
  constructor({ name }: { name: string }, options?: ErrorOptions) {
    super((nameOf) => `schedule "${nameOf(name)}" does not exist`, options);
  }
}

/** Nobody opened a batch with this id, and no request is a member of it. */
export class BatchNotFoundError extends SequentError {
  readonly code = 'BATCH_NOT_FOUND';
  readonly retryable = false;
  constructor({ id }: { id: string }, options?: ErrorOptions) {
    super(`batch "${id}" has no member`, options);
  }
}

function describeMissing(name: string, qualifier: string | undefined): string {
  if (qualifier === undefined) return `function "${name}" does not exist`;
  const missing = qualifier.startsWith('!') ? `alias "${qualifier.slice(1)}"` : `version "${qualifier}"`;
  return `function "${name}" has no ${missing}`;
}

/** A version or an alias cannot be created, moved or removed in the present state. Nothing was changed. */
export class VersionRefusedError extends SequentError {
  readonly code = 'VERSION_REFUSED';
  readonly retryable = false;
  readonly reason: VersionRefusal;
  constructor(facts: { reason: VersionRefusal; message: Message }, options?: ErrorOptions) {
    super(facts.message, options);
    this.reason = facts.reason;
  }
}

export type VersionRefusal =
  | 'unchanged'
  | 'version-exists'
  | 'version-in-use'
  | 'version-aliased'
  | 'too-many-versions'
  | 'too-many-aliases';

/** No invocation has this id. */
export class InvocationNotFoundError extends SequentError {
  readonly code = 'INVOCATION_NOT_FOUND';
  readonly retryable = false;
  constructor(facts: { id: string }, options?: ErrorOptions) {
    super(`no invocation "${facts.id}" is in the log`, options);
  }
}

/** Several functions have an invocation of one id, and the question names none of them. `functions` are the functions that may be named. */
export class AmbiguousIdError extends SequentError {
  readonly code = 'AMBIGUOUS_ID';
  readonly retryable = false;
  readonly functions: readonly string[];
  constructor({ id, functions }: { id: string; functions: readonly string[] }, options?: ErrorOptions) {
    super((nameOf) => `several functions have an invocation "${id}": ${functions.map(nameOf).join(', ')}. Name one of them`, options);
    this.functions = functions;
  }
}

type HistoryUnavailableFacts = { why: string; isBehind?: boolean; isAnswered?: boolean; isAbsent?: boolean };

/** No projection answered in time, or one answered why it cannot tell. */
export class HistoryUnavailableError extends SequentError {
  readonly code = 'HISTORY_UNAVAILABLE';
  readonly retryable = true;
  /** Whether a projection answered why it cannot tell; `isBehind`: because it has not read as much of the log as the question needs. */
  readonly isAnswered: boolean;
  readonly isBehind: boolean;
  /** Whether the server says that no projection runs. Otherwise one may run, and know the invocation. */
  readonly isAbsent: boolean;
  constructor({ why, isBehind = false, isAnswered = isBehind, isAbsent = false }: HistoryUnavailableFacts, options?: ErrorOptions) {
    super(`the history of the invocations cannot be asked: ${why}`, options);
    this.isBehind = isBehind;
    this.isAnswered = isAnswered;
    this.isAbsent = isAbsent;
  }
}

/** An archived segment is missing or damaged. The message names the segment and the damage. */
export class ArchiveDamagedError extends SequentError {
  readonly code = 'ARCHIVE_DAMAGED';
  readonly retryable = false;
  readonly segment: string;
  readonly problem: string;
  constructor({ segment, problem }: { segment: string; problem: string }, options?: ErrorOptions) {
    super(`the archived segment ${segment} ${problem}`, options);
    this.segment = segment;
    this.problem = problem;
  }
}

/** Another process changed the value since it was read. */
export class ConflictError extends SequentError {
  readonly code = 'CONFLICT';
  readonly retryable = true;
  constructor(facts: { what: Message }, options?: ErrorOptions) {
    super((nameOf) => `${textOf(facts.what, nameOf)} was changed by another process since it was read`, options);
  }
}

/** The requested action is not possible in the present state. */
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
  /** What to do about a server that answers; absent where none answers. */
  readonly remedy: string | undefined;
  constructor(facts: { servers: string; why: string; remedy?: string }, options?: ErrorOptions) {
    super(`cannot use NATS at ${facts.servers}: ${facts.why}`, options);
    this.remedy = facts.remedy;
  }
}

/** The NATS user of the connection lacks a permission. Nothing was done. The message names the subject, the user and the permission. */
export class NotPermittedError extends SequentError {
  readonly code = 'NOT_PERMITTED';
  readonly retryable = false;
  constructor(facts: { message: string }, options?: ErrorOptions) {
    super(facts.message, options);
  }
}

/** A limit of the NATS account or server does not allow a JetStream stream of Sequent. `part` is its name in the configuration. */
export class StreamRefusedError extends SequentError {
  readonly code = 'STREAM_REFUSED';
  readonly retryable = true;
  constructor(facts: { stream: string; bytes: number | undefined; part: string | undefined; why: string }, options?: ErrorOptions) {
    const { stream, bytes, part, why } = facts;
    const size = bytes === undefined || bytes <= 0 ? '' : ` with ${Math.ceil(bytes / 1_048_576)} MB`;
    const remedy = part === undefined ? '' : `; raise the limit of the account, or set a size: --stream-sizes ${part}=…`;
    super(`NATS refuses the stream ${stream}${size}: ${why}${remedy}`, options);
  }
}

/** The log cannot store more, because its disk or its limit is full. Nothing was stored. */
export class LogFullError extends SequentError {
  readonly code = 'LOG_FULL';
  readonly retryable = true;
  constructor(facts: { why: string }, options?: ErrorOptions) {
    super(`the log accepts nothing more: ${facts.why}`, options);
  }
}

/** The payload of an invocation is too large for the log, and its object cannot be used: it is missing, damaged, or was erased. */
export class PayloadUnavailableError extends SequentError {
  readonly code = 'PAYLOAD_UNAVAILABLE';
  readonly retryable = true;
  constructor({ function: name, invocation, why }: { function: string; invocation: string; why: string }, options?: ErrorOptions) {
    super((nameOf) => `the large payload of invocation ${invocation} of ${nameOf(name)} cannot be used: ${why}`, options);
  }
}

/** The log refuses the version of a writer, and shows nothing newer: a replica lags, or the stream was archived. Nothing was stored. */
export class LogBehindError extends SequentError {
  readonly code = 'LOG_BEHIND';
  readonly retryable = true;
  constructor({ stream, version, waitedInMs }: { stream: string; version: number; waitedInMs: number }, options?: ErrorOptions) {
    super(`the log refuses version ${version} of ${stream}, and showed nothing newer for ${waitedInMs} ms`, options);
  }
}

/** The log no longer holds the request of a stream, because it lost its last messages. Nothing was stored. */
export class StreamLostError extends SequentError {
  readonly code = 'STREAM_LOST';
  readonly retryable = true;
  constructor({ stream }: { stream: string }, options?: ErrorOptions) {
    super(`the log no longer holds the request of ${stream}: it lost its last messages`, options);
  }
}

/** It is unknown whether the message was stored, and the log was silent until the deadline (A1). A retry with the same request id is safe. */
export class UnknownOutcomeError extends SequentError {
  readonly code = 'UNKNOWN_OUTCOME';
  readonly retryable = true;
  readonly id: string;
  readonly waitedInMs: number;
  constructor(facts: { id: string; waitedInMs: number }, options?: ErrorOptions) {
    const advice = 'repeat the request with an id of its own: two requests with one id are one invocation';
    super(`it is unknown whether "${facts.id}" was stored: no answer within ${facts.waitedInMs} ms; ${advice}`, options);
    this.id = facts.id;
    this.waitedInMs = facts.waitedInMs;
  }
}

/** A newer version of Sequent wrote facts that this process cannot read. The process decides nothing without them. */
export class NewerFactsError extends SequentError {
  readonly code = 'NEWER_FACTS';
  readonly retryable = false;
  constructor(facts: { sequence: number; version: number; known: number }, options?: ErrorOptions) {
    super(
      `the message ${facts.sequence} of the log holds facts of version ${facts.version}, and this process reads versions up to ${facts.known}: upgrade this process`,
      options,
    );
  }
}

/** What the caller waited for did not happen in time. It may happen later. */
export class TimedOutError extends SequentError {
  readonly code = 'TIMED_OUT';
  readonly retryable = true;
  constructor(facts: { what: string; afterMs: number }, options?: ErrorOptions) {
    super(`${facts.what} did not happen within ${facts.afterMs} ms`, options);
  }
}

/** The message of a thrown value, also when it is no `Error`. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The project of a function encrypts its payloads, and this process has no key for them. */
export class KeyMissingError extends SequentError {
  readonly code = 'KEY_MISSING';
  readonly retryable = true;
  constructor(facts: { name: string }, options?: ErrorOptions) {
    const message = (nameOf: NameOf) =>
      `the payloads of function "${nameOf(facts.name)}" are encrypted, and this process has no key for them; give it --encryption-key or --encryption-command with the present keys`;
    super(message, options);
  }
}
