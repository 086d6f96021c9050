import type { Fact, FactOf, Lineage, Outcome } from '#machines/facts.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Erasure } from './erasure.ts';

/**
 * The log: requests as they were accepted, and the facts about them, in one total order.
 *
 * A stream holds the facts of the invocations that were accepted together (1 to 64, usually one), after the request
 * message itself. Everything that happens is one append to one stream, and every append says which version it expects.
 */
export type StreamName = { readonly function: FunctionName; readonly stream: StreamId };

declare const version: unique symbol;
/** The version of a stream. Opaque: compare it, never count with it; versions have gaps. */
export type StreamVersion = number & { readonly [version]: true };
/** The version of a stream without appends. */
export const NO_APPENDS = 0 as StreamVersion;

export type Append = {
  /** Unique; a writer recognises its own append by it (A1). */
  id: string;
  /** The version that this append follows. */
  previous: StreamVersion;
  /** The sequence of the request message that gave birth to the invocations of this append. */
  request: number;
  /** Who wrote it. */
  by: string;
  facts: readonly Fact[];
};

export type RecordedAppend = Append & { version: StreamVersion };

/** One request as it was accepted. `defect` says why it can never run. */
export type AcceptedRequest = {
  fact: FactOf<'queued'>;
  payload: string;
  defect?: { condition: 'PayloadTooLarge' | 'InvalidPayload' | 'InvalidRequest'; message: string };
  /** The envelope of an outcome of it, once somebody asked: those who listen to results and all destinations get the same. */
  envelopeCache?: { outcome: Outcome; tenancy: Tenancy; text: string };
};

/** One message on an invoke subject: the birth of one or more invocations. */
export type RequestMessage = {
  name: StreamName;
  sequence: number;
  /** When the log accepted it, in milliseconds since the epoch. */
  at: number;
  requests: readonly AcceptedRequest[];
};

/** What remains to be done in a stream, as its last writer saw it. A stream with none of it is settled. */
export type WakeTimes = {
  /** The earliest moment at which the next attempt of a waiting invocation is due. */
  dueAt?: number;
  /** The earliest moment at which a waiting invocation becomes too old. */
  endsAt?: number;
  /** The earliest moment at which the next try of a delivery is due. */
  deliverAt?: number;
  /** Since when an invocation is in somebody's hands: being executed, or being delivered. */
  inProgressSince?: number;
};

/** One message of the log, without its content: enough to know what needs attention. */
export type LogEntry = { sequence: number; at: number } & (
  | { kind: 'request'; name: StreamName }
  | { kind: 'append'; name: StreamName; wakeTimes: WakeTimes }
  | { kind: 'hint' }
);

/** The same, with its content. */
export type FullLogEntry =
  | { kind: 'request'; sequence: number; at: number; message: RequestMessage }
  /** `attention` is what the append said beside its content. */
  | { kind: 'append'; sequence: number; at: number; name: StreamName; append: RecordedAppend; wakeTimes: WakeTimes }
  | { kind: 'hint'; sequence: number; at: number }
  /** Finished invocations are to be forgotten. */
  | { kind: 'erasure'; sequence: number; at: number; erasure: Erasure }
  /** What stood here was erased; only the archive holds such entries. */
  | { kind: 'erased'; sequence: number; at: number; by: string }
  /** Something that no version of Sequent wrote, or that a newer one did. */
  | { kind: 'unreadable'; sequence: number; at: number; why: string };

export type NewRequest = {
  id?: RequestId;
  payload: string;
  qualifier?: string;
  traceparent?: string;
  /** Where a chain of destinations came from. Such a request travels alone. */
  lineage?: Lineage;
  /** The invocation that it runs again. Such a request travels alone too. */
  redriveOf?: RequestId;
  /** Brings its own id, and is not stored again when the log accepted it in the last two minutes. */
  once?: boolean;
};

/** Where a request stands; `isRepeated` when that is an earlier one of the same id. */
export type Accepted = { sequence: number; isRepeated?: boolean };

export interface EventLog {
  /** The most bytes that one append may have, encoded. */
  readonly maxAppendBytes: number;

  /**
   * Appends to one stream if it is still at `append.previous`; returns the new version, or `undefined` on a conflict.
   *
   * An answer that does not come is resolved by reading back (A1). Throws `UnknownOutcomeError` when that fails for the
   * whole budget, and `LogFullError` when nothing more can be stored.
   */
  append(name: StreamName, append: Append, wakeTimes: WakeTimes): Promise<StreamVersion | undefined>;

  /** The appends of one stream after a version, oldest first. One that cannot be read counts as an append without facts. Throws `NewerFactsError`. */
  read(name: StreamName, after: StreamVersion): Promise<RecordedAppend[]>;

  /** The request message at a sequence, or `undefined` when it is not there. */
  readRequest(sequence: number): Promise<RequestMessage | undefined>;

  /**
   * Accepts requests for one function as one message; durable when it resolves (SRC1). One request may bring an id along, and
   * then must be alone. Throws like {@link EventLog.append}.
   */
  accept(name: StreamName, requests: readonly NewRequest[]): Promise<Accepted>;

  /** The name of the stream that holds this stream id, whatever its function; `undefined` when it has no append. */
  find(stream: StreamId): Promise<StreamName | undefined>;

  /** All messages from a sequence on, in order and without end, until the signal aborts. Survives restarts of the log's server. */
  follow(from: number, onEntry: (entry: LogEntry) => void, signal: AbortSignal): Promise<void>;

  /** Like {@link EventLog.follow}, with the contents. */
  followFully(from: number, onEntry: (entry: FullLogEntry) => void, signal: AbortSignal): Promise<void>;

  /** The sequence of the newest message, 0 in an empty log. */
  lastSequence(): Promise<number>;
}
