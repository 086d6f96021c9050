import type { Fact, FactOf, Lineage, OpensBatch } from '#machines/facts.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import type { ShortLink } from './chain.ts';
import type { Erasure } from './erasure.ts';

/**
 * The name of a stream of the log.
 *
 * The log holds accepted requests and the facts about them, in one total order. A stream holds the facts of the invocations that were
 * accepted together (1 to 64, usually one). A change is one append to one stream, and every append expects a version (E3).
 */
export type StreamName = { readonly function: FunctionName; readonly stream: StreamId };

declare const version: unique symbol;
/** The version of a stream. Versions have gaps: compare them, do not count with them. */
export type StreamVersion = number & { readonly [version]: true };
/** The version of a stream without appends. */
export const NO_APPENDS = 0 as StreamVersion;

export type Append = {
  /** Unique, so that a writer recognises its own append (A1). */
  id: string;
  /** The version that this append follows. */
  previous: StreamVersion;
  /** The sequence of the request message of this stream. */
  request: number;
  /** The process that wrote the append. */
  by: string;
  facts: readonly Fact[];
  /** The hash of the accepted message before this append in its stream (LINK1). Version 0.1 did not write it. */
  link?: string | undefined;
};

/** The `hash` of an unreadable append is empty. */
export type RecordedAppend = Append & { version: StreamVersion; hash: string };
/** An append that was stored: its version, and its hash, by which the next append names it. */
export type StoredAppend = Pick<RecordedAppend, 'version' | 'hash'>;

/** One request as the log accepted it. `defect` is the reason why it can never run. */
export type AcceptedRequest = {
  fact: FactOf<'queued'>;
  payload: string;
  defect?: { condition: 'PayloadTooLarge' | 'InvalidPayload' | 'InvalidRequest'; message: string };
};

/** One message on an invoke subject, which starts one or more invocations. */
export type RequestMessage = {
  name: StreamName;
  sequence: number;
  /** When the log accepted it, in milliseconds since the epoch. */
  at: number;
  /** The root of the chain of its stream. */
  hash: string;
  requests: readonly AcceptedRequest[];
};

/** When a stream next needs work, computed by its last writer. A stream without any of these times is settled. */
export type WakeTimes = {
  /** The earliest moment at which the next attempt of a waiting invocation is due. */
  dueAt?: number;
  /** The earliest moment at which a waiting invocation becomes too old. */
  endsAt?: number;
  /** The earliest moment at which the next try of a delivery is due. */
  deliverAt?: number;
  /** Since when a process executes or delivers an invocation of the stream. */
  inProgressSince?: number;
  /** The slots that invocations of the stream wait for (`stream-waits.ts`). The other times count these invocations too. */
  waitsFor?: string;
};

/** One message of the log without its content, for a reader that needs only the wake times. */
export type LogEntry = {
  sequence: number;
  at: number;
} /** `size`: the size of the payload in bytes. `isBatch`: the message holds several requests. `dueAt`: of a delayed request. */ & (
  | { kind: 'request'; name: StreamName; size: number; isBatch?: true | undefined; dueAt?: number | undefined }
  | { kind: 'append'; name: StreamName; wakeTimes: WakeTimes; link?: ShortLink | undefined }
  /** `wakes`: the stream that the hint wakes. */
  | { kind: 'hint'; wakes?: StreamName }
);

/** One message of the log with its content. */
export type FullLogEntry =
  | { kind: 'request'; sequence: number; at: number; message: RequestMessage }
  /** `wakeTimes` and `link` stand in the headers of the append. The archive does not keep the link. */
  | {
      kind: 'append';
      sequence: number;
      at: number;
      name: StreamName;
      append: RecordedAppend;
      wakeTimes: WakeTimes;
      link?: ShortLink | undefined;
    }
  | { kind: 'hint'; sequence: number; at: number; wakes?: StreamName }
  /** A request to erase finished invocations. */
  | { kind: 'erasure'; sequence: number; at: number; erasure: Erasure }
  /** The message was erased. Only the archive holds such entries, with the hashes of the message that it kept. */
  | { kind: 'erased'; sequence: number; at: number; by: string; leaf?: string | undefined; digest?: string | undefined }
  /** A message that this version of Sequent cannot read. */
  | { kind: 'unreadable'; sequence: number; at: number; why: string };

/**
 * The id by which the sender of a message recognises it: that of an append, or the stream of a request. Empty for every other message, and
 * `undefined` for a request whose own id no reader accepts.
 */
export function entryIdOf(entry: FullLogEntry): string | undefined {
  if (entry.kind === 'append') return entry.append.id;
  if (entry.kind !== 'request') return '';
  const { name, requests } = entry.message;
  return requests.some(({ defect }) => defect?.condition === 'InvalidRequest') ? undefined : name.stream;
}

export type NewRequest = {
  id?: RequestId;
  payload: string;
  qualifier?: string;
  traceparent?: string;
  /** The position in a chain of destinations. A request with a lineage is sent alone. */
  lineage?: Lineage;
  /** The invocation that this request redrives. A redrive is sent alone. */
  redriveOf?: RequestId;
  /** The schedule that requests it, and the fire time. Such a request is sent alone. */
  schedule?: { name: string; at?: number };
  /** The key that the caller chose among those of the function's flow. */
  flowKey?: string;
  /** How urgent the request is, from 0 (least) to 9 (most), while requests wait for a slot. */
  priority?: number;
  /** The caller waits for the outcome of the first attempt (SYNC1). */
  synchronous?: true;
  /** When the request is due: the text of the header `Deliver-At`. All requests of one message have the same. */
  deliverAt?: string;
  /** The request opens a batch, and invokes nothing. It is sent alone. */
  opens?: OpensBatch;
  /** The batch that the request is a member of. All requests of one message have the same. */
  batch?: string;
  /** Of the first request of a message: the message is not stored when the log accepted one for the same stream in the last two minutes. */
  once?: boolean;
  /**
   * The request repeats this one, which an earlier message may hold (KEY1). It is not stored when the log accepted the stream of that message
   * in the last two minutes, and the log does not accept that stream in the two minutes after it.
   */
  repeats?: RequestId;
};

/** The sequence of an accepted message. `isRepeated`: it is the sequence of an earlier message with the same request. */
export type Accepted = { sequence: number; isRepeated?: boolean };

export interface EventLog {
  /** The maximum encoded size of one append, in bytes. */
  readonly maxAppendBytes: number;

  /** Changes whenever the log may have gone backwards. A state that was folded before must then be read again (LINK4). */
  epoch(): number;

  /**
   * Appends to a stream whose version is `append.previous`; returns the version and the hash of the stored append, or `undefined` on a conflict.
   *
   * A missing answer is resolved by reading the stream (A1). Throws `UnknownOutcomeError` when the reads fail until the deadline, and
   * `LogFullError` when the log cannot store more.
   */
  append(name: StreamName, append: Append, wakeTimes: WakeTimes): Promise<StoredAppend | undefined>;

  /** The appends of one stream after a version, oldest first. An unreadable append counts as one without facts. Throws `NewerFactsError`. */
  read(name: StreamName, after: StreamVersion): Promise<RecordedAppend[]>;

  /** The request message at a sequence; `undefined` when the log does not hold it. */
  readRequest(sequence: number): Promise<RequestMessage | undefined>;

  /**
   * Accepts requests for one function as one message, which is durable when the promise resolves (SRC1). A request that brings its own id
   * must be alone. Throws as {@link EventLog.append} does.
   */
  accept(name: StreamName, requests: readonly NewRequest[]): Promise<Accepted>;

  /** The streams with this id that have an append, one of each function that has any. */
  findAll(stream: StreamId): Promise<StreamName[]>;

  /**
   * Follows all messages from a sequence on, in order, until the signal aborts. Survives restarts of the log's server.
   *
   * `pauseInMs`: how long the reader may pause, at this moment, when it has read everything (docs/performance.md H24).
   */
  follow(from: number, onEntry: (entry: LogEntry) => void, signal: AbortSignal, pauseInMs?: () => number): Promise<void>;

  /** Follows as {@link EventLog.follow} does, with contents. */
  followFully(from: number, onEntry: (entry: FullLogEntry) => void, signal: AbortSignal): Promise<void>;

  /** The first message at or after a sequence; `undefined` when there is none. */
  firstFrom(sequence: number): Promise<{ sequence: number } | undefined>;

  /** When the log stored the message at a sequence, in milliseconds since the epoch; `undefined` when the log does not hold it. */
  timeOf(sequence: number): Promise<number | undefined>;

  /** The sequence of the newest message, 0 in an empty log. */
  lastSequence(): Promise<number>;
}
