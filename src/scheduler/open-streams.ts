import type { ShortLink } from '#src/core/log/chain.ts';
import type { LogEntry, StreamName, WakeTimes } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import type { NewestRead } from '#src/core/ports/saved-floor.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';
import { createDueTimes } from './due-times.ts';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * A stream with at least one invocation that is not settled.
 *
 * A backlog has half a million of these, so the name is derived from the key (docs/performance.md H19).
 */
export class OpenStream {
  readonly key: string;
  /** The sequence of the request; `undefined` when the log was read from a later sequence. */
  request: number | undefined;
  /** The size of the payload of the request, in bytes; 0 when the log was read from a later sequence. */
  requestBytes = 0;
  /** When the request was accepted; `undefined` as `request` is. */
  acceptedAt: number | undefined;
  /** The sequence of the newest message of the stream. Without an append, that is the request. */
  version: number;
  /** The hash of the last append that counts, in its short form; `undefined` before it, and when an earlier Sequent wrote it. */
  head: string | undefined;
  /** When the next attempt of one of its invocations is due: the first one of a delayed request, or a retry. */
  dueAt: number | undefined;
  /** When the earliest waiting invocation becomes too old. */
  endsAt: number | undefined;
  /** Whether an attempt runs, or an outcome has deliveries that did not start. Both need more than the wake of a worker. */
  isInProgress = false;
  /** The sequence of the latest wake since the last append. */
  wake: number | undefined;
  /** When the next try of one of its deliveries is due. */
  deliverAt: number | undefined;
  /** When the scheduler inspects the stream next. */
  checkAt = NEVER;
  /** How often the stream was inspected, or hinted at, since its last append. */
  inspections = 0;

  constructor(key: string, version: number) {
    this.key = key;
    this.version = version;
  }

  get name(): StreamName {
    const dot = this.key.indexOf('.');
    return { function: this.key.slice(0, dot) as FunctionName, stream: this.key.slice(dot + 1) as StreamId };
  }
}

/**
 * The open streams, folded from the headers of every message of the log.
 *
 * Invariant: a stream is in here from its request until an append without wake times, and it is due for inspection at `checkAt`. Memory grows
 * with the number of open streams, not with the log.
 *
 * Headers alone do not prove that a first append follows its request. A stream that such an append, or one with a wrong link, would remove is
 * therefore inspected once (LINK2).
 */
export interface OpenStreams {
  readonly size: number;
  /** The size of the payloads of all open requests that were read, in bytes. */
  readonly requestBytes: number;
  /** The sequence after the newest message that was folded. */
  readonly next: number;
  /** The newest message that was folded; `undefined` before the first. */
  readonly newest: NewestRead | undefined;
  /** The sequence of the oldest open request. Every earlier request is settled. */
  readonly floor: number;
  fold(entry: LogEntry): void;
  /** When the next stream is due, or earlier; infinite when none is open. */
  readonly nextDueAt: number;
  /** Takes a stream that is due. It is due again at its next `checkAt`. */
  takeDue(now: number): OpenStream | undefined;
  /** Makes a stream due at a time, at the latest. */
  inspectAgain(stream: OpenStream, at: number): void;
  /** Removes a stream that an inspection found settled. */
  remove(stream: OpenStream): void;
  find(key: string): OpenStream | undefined;
  values(): Iterable<OpenStream>;
}

export type OpenStreamsOptions = {
  /** How long other roles may take before a stream is inspected, in milliseconds. */
  patienceInMs: number;
  /** The maximum age of a request of the function, in milliseconds; `undefined` for an unknown function. */
  maxAgeOf: (name: FunctionName) => number | undefined;
  /** How long a request for an unknown function may wait for the function, in milliseconds. */
  unknownGraceInMs: number;
};

export function createOpenStreams(options: OpenStreamsOptions): OpenStreams {
  return new FoldedStreams(options);
}

class FoldedStreams implements OpenStreams {
  readonly #options: OpenStreamsOptions;
  readonly #open = new PassingMap<string, OpenStream>();
  readonly #dueTimes = createDueTimes();
  #nextSequence = 1;
  #requestBytes = 0;
  #newestAt = 0;

  constructor(options: OpenStreamsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  get requestBytes(): number {
    return this.#requestBytes;
  }

  get next(): number {
    return this.#nextSequence;
  }

  get newest(): NewestRead | undefined {
    return this.#newestAt === 0 ? undefined : { sequence: this.#nextSequence - 1, at: this.#newestAt };
  }

  get nextDueAt(): number {
    return this.#dueTimes.next;
  }

  get floor(): number {
    for (const [, { request }] of this.#open) return request ?? 1;
    return this.#nextSequence;
  }

  readonly fold = (entry: LogEntry): void => {
    // The log went backwards, and is read again from its beginning.
    if (entry.sequence < this.#nextSequence) for (const [, stream] of this.#open) this.#delete(stream);
    this.#nextSequence = entry.sequence + 1;
    this.#newestAt = entry.at;
    if (entry.kind === 'request') this.#foldRequest(entry);
    else if (entry.kind === 'append') this.#foldAppend(entry);
    else if (entry.wakes !== undefined) this.#foldWake(entry.wakes, entry.sequence);
  };

  #foldWake(name: StreamName, sequence: number): void {
    const stream = this.#open.get(ownedKeyOf(name));
    if (stream !== undefined) stream.wake = sequence;
  }

  #foldRequest({ name, sequence, at, size, dueAt }: LogEntry & { kind: 'request' }): void {
    const key = ownedKeyOf(name);
    // A second request with the same id belongs to the stream of the first.
    if (this.#open.get(key) !== undefined) return;
    const { patienceInMs, maxAgeOf, unknownGraceInMs } = this.#options;
    const stream = this.#insert(key, sequence);
    stream.request = sequence;
    stream.acceptedAt = at;
    stream.requestBytes = size;
    this.#requestBytes += size;
    stream.dueAt = dueAt;
    if (dueAt !== undefined) return this.#schedule(stream, dueAt);
    this.#schedule(stream, at + Math.min(patienceInMs, maxAgeOf(name.function) ?? unknownGraceInMs));
  }

  #foldAppend({ name, sequence, at, wakeTimes, link }: LogEntry & { kind: 'append' }): void {
    const key = ownedKeyOf(name);
    const known = this.#open.get(key);
    if (known !== undefined && link !== undefined && !isProved(known, link, wakeTimes)) {
      known.version = sequence;
      known.wake = undefined;
      if (known.head === undefined) known.head = link.own;
      return this.#schedule(known, Math.min(known.checkAt, at + this.#options.patienceInMs));
    }
    const { dueAt, endsAt, deliverAt, inProgressSince } = wakeTimes;
    if (dueAt === undefined && deliverAt === undefined && inProgressSince === undefined) {
      if (known !== undefined) this.#delete(known);
      return;
    }
    const stream = known ?? this.#insert(key, sequence);
    stream.version = sequence;
    stream.head = link?.own;
    stream.dueAt = dueAt;
    stream.endsAt = endsAt;
    stream.isInProgress = inProgressSince !== undefined;
    stream.wake = undefined;
    stream.deliverAt = deliverAt;
    stream.inspections = 0;
    this.#schedule(stream, Math.min(earliestOf(wakeTimes), inProgressSince === undefined ? NEVER : at + this.#options.patienceInMs));
  }

  takeDue(now: number): OpenStream | undefined {
    for (;;) {
      const key = this.#dueTimes.takeDue(now);
      if (key === undefined) return undefined;
      const stream = this.#open.get(key);
      if (stream === undefined) continue;
      if (stream.checkAt <= now) {
        stream.checkAt = NEVER;
        return stream;
      }
      if (stream.checkAt < NEVER) this.#dueTimes.add(key, stream.checkAt);
    }
  }

  inspectAgain(stream: OpenStream, at: number): void {
    // An append that was folded after the stream was taken may have scheduled an earlier time, which counts.
    if (this.#open.get(stream.key) === stream) this.#schedule(stream, Math.min(at, stream.checkAt));
  }

  remove(stream: OpenStream): void {
    const hasNoNewerAppend = stream.checkAt === NEVER;
    if (hasNoNewerAppend && this.#open.get(stream.key) === stream) this.#delete(stream);
  }

  find(key: string): OpenStream | undefined {
    return this.#open.get(key);
  }

  values(): Iterable<OpenStream> {
    return this.#open.values();
  }

  #schedule(stream: OpenStream, at: number): void {
    // Only an earlier time needs a new entry. `takeDue` puts an entry back that comes too early.
    if (at < stream.checkAt) this.#dueTimes.add(stream.key, at);
    stream.checkAt = at;
  }

  #delete({ key, requestBytes }: OpenStream): void {
    this.#open.delete(key);
    this.#requestBytes -= requestBytes;
  }

  #insert(key: string, version: number): OpenStream {
    const stream = new OpenStream(key, version);
    this.#open.set(key, stream);
    return stream;
  }
}

/** Whether the headers show that an append follows the head. A first append is taken on trust, unless it would remove the stream. */
function isProved({ head, request }: OpenStream, link: ShortLink, { dueAt, deliverAt, inProgressSince }: WakeTimes): boolean {
  if (head !== undefined) return head === link.previous;
  return request === undefined || dueAt !== undefined || deliverAt !== undefined || inProgressSince !== undefined;
}

function earliestOf({ dueAt = NEVER, endsAt = NEVER, deliverAt = NEVER }: WakeTimes): number {
  return Math.min(dueAt, endsAt, deliverAt);
}

/** The `streamKey` as a text of its own, because a template retains its parts (docs/performance.md V5). */
function ownedKeyOf(name: StreamName): string {
  return [name.function, name.stream].join('.');
}
