import type { Grouped, StreamWait } from '#src/core/flow/stream-waits.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { ShortLink } from '#src/core/log/chain.ts';
import type { LogEntry, StreamName, WakeTimes } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import type { NewestRead } from '#src/core/ports/stores/saved-floor.ts';
import { DebouncedRequests } from '#src/scheduler/groups/debounced-requests.ts';
import { UnsortedStreams } from '#src/scheduler/waits/unsorted-streams.ts';
import { type AgingOf, WaitingStreams } from '#src/scheduler/waits/waiting-streams.ts';
import { createDueTimes } from './chunked-lists.ts';
import { type OpenStream, StreamRecords } from './stream-records.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Called when an invocation of a function begins to wait for a slot of a pool, waits no longer, or has its place in the order of requests. */
export type OnWait = (pool: PoolId, name: FunctionName) => void;

export type OpenStreamsOptions = {
  /** How long other roles may take before a stream is inspected, in milliseconds. */
  patienceInMs: number;
  /** The maximum age of a request of the function, in milliseconds; `undefined` for an unknown function. */
  maxAgeOf: (name: FunctionName) => number | undefined;
  /** How long a request for an unknown function may wait for the function, in milliseconds. */
  unknownGraceInMs: number;
  onWait?: OnWait;
  agingOf?: AgingOf;
};

/**
 * The open streams, folded from the headers of every message of the log.
 *
 * Invariant: a stream is in here from its request until an append without wake times, and it is due for inspection at `checkAt`. Memory grows
 * with the number of open streams, not with the log.
 *
 * Headers alone do not prove that a first append follows its request. A stream that such an append, or one with a wrong link, would remove is
 * therefore inspected once (LINK2).
 */
export class OpenStreams {
  readonly #options: OpenStreamsOptions;
  readonly #records = new StreamRecords();
  readonly #dueTimes = createDueTimes();
  /** The streams that wait for a slot. */
  readonly waiting: WaitingStreams;
  #unsorted: UnsortedStreams | undefined;
  /** The requests that wait for their groups. */
  readonly debounced = new DebouncedRequests();
  #nextSequence = 1;
  #requestBytes = 0;
  #newestAt = 0;

  constructor(options: OpenStreamsOptions) {
    this.#options = options;
    this.waiting = new WaitingStreams(this.#records, options.agingOf ?? (() => undefined));
  }

  /** Created at the first question: a system without an order of requests needs none. */
  get unsorted(): UnsortedStreams {
    this.#unsorted ??= new UnsortedStreams(this.#records);
    return this.#unsorted;
  }

  get size(): number {
    return this.#records.size;
  }

  /** The size of the payloads of all open requests that were read, in bytes. */
  get requestBytes(): number {
    return this.#requestBytes;
  }

  /** The sequence after the newest message that was folded. */
  get next(): number {
    return this.#nextSequence;
  }

  /** The newest message that was folded; `undefined` before the first. */
  get newest(): NewestRead | undefined {
    return this.#newestAt === 0 ? undefined : { sequence: this.#nextSequence - 1, at: this.#newestAt };
  }

  /** When the next stream is due, or earlier; infinite when none is open. */
  get nextDueAt(): number {
    return this.#dueTimes.next;
  }

  /** The sequence of the oldest open request. Every earlier request is settled. */
  get floor(): number {
    const { first } = this.#records;
    return first === undefined ? this.#nextSequence : (this.#records.request.get(first) ?? 1);
  }

  readonly fold = (entry: LogEntry): void => {
    // The log went backwards, and is read again from its beginning.
    if (entry.sequence < this.#nextSequence) {
      for (let { first } = this.#records; first !== undefined; { first } = this.#records) this.#delete(first);
      this.#unsorted?.clear();
    }
    this.#nextSequence = entry.sequence + 1;
    this.#newestAt = entry.at;
    if (entry.kind === 'request') this.#foldRequest(entry);
    else if (entry.kind === 'append') this.#foldAppend(entry);
    else if (entry.wakes !== undefined) this.#foldWake(entry.wakes, entry.sequence);
  };

  #foldWake(name: StreamName, sequence: number): void {
    const row = this.#records.find(name);
    if (row !== undefined) this.#records.wake.set(row, sequence);
  }

  #foldRequest({ name, sequence, at, size, isBatch, dueAt }: LogEntry & { kind: 'request' }): void {
    const records = this.#records;
    // A second request with the same id belongs to the stream of the first.
    if (records.find(name) !== undefined) return;
    const { patienceInMs, maxAgeOf, unknownGraceInMs } = this.#options;
    const row = records.add(name, sequence);
    records.request.set(row, sequence);
    records.firstDueAt.set(row, dueAt ?? at);
    records.requestBytes.set(row, size);
    this.#requestBytes += size;
    records.dueAt.set(row, dueAt);
    // A message of several requests is sorted when all its requests have their place in the order of their keys.
    if (dueAt === undefined && isBatch) records.unsorted.set(row, 1);
    if (dueAt === undefined) this.#unsorted?.add(row, name.function);
    this.#schedule(row, dueAt ?? at + Math.min(patienceInMs, maxAgeOf(name.function) ?? unknownGraceInMs));
  }

  #foldAppend({ name, sequence, at, wakeTimes, link }: LogEntry & { kind: 'append' }): void {
    const records = this.#records;
    const known = records.find(name);
    if (known !== undefined && link !== undefined && !this.#isProved(known, link, wakeTimes)) {
      records.version.set(known, sequence);
      records.wake.set(known, undefined);
      if (records.heads.get(known) === undefined) records.heads.set(known, link.own);
      return this.#scheduleAtLatest(known, at + this.#options.patienceInMs);
    }
    const { dueAt, endsAt, deliverAt, inProgressSince } = wakeTimes;
    if (isSettledBy(wakeTimes)) {
      if (known !== undefined) this.#delete(known);
      return;
    }
    const row = known ?? records.add(name, sequence);
    records.version.set(row, sequence);
    records.heads.set(row, link?.own);
    records.dueAt.set(row, dueAt);
    records.endsAt.set(row, endsAt);
    records.inProgress.set(row, inProgressSince === undefined ? undefined : 1);
    records.wake.set(row, undefined);
    records.deliverAt.set(row, deliverAt);
    records.inspections.set(row, undefined);
    if (inProgressSince === undefined) records.unsorted.set(row, undefined);
    this.#setWaits(row, wakeTimes.waitsFor);
    this.#schedule(row, this.#checkAtOf(row, wakeTimes, at));
  }

  #checkAtOf(row: number, wakeTimes: WakeTimes, at: number): number {
    const afterPatience = at + this.#options.patienceInMs;
    if (this.#records.waiting.get(row) === 1) return afterPatience;
    return Math.min(earliestOf(wakeTimes), wakeTimes.inProgressSince === undefined ? NEVER : afterPatience);
  }

  #setWaits(row: number, waitsFor: string | undefined): void {
    // A stream that waits for nothing, and did not before, costs nothing.
    if (waitsFor === undefined && this.#records.waits.get(row) === undefined) return this.#records.waiting.set(row, undefined);
    const changed = this.waiting.set(row, waitsFor);
    const waits = this.waiting.of(row);
    const isWaiting = waits !== undefined && !waits.hasOthers;
    this.#setGrouped(row, waits?.grouped ?? []);
    this.#records.waiting.set(row, isWaiting ? 1 : undefined);
    const isPlaced = isWaiting && this.#records.unsorted.get(row) === 1;
    if (isWaiting) this.#records.unsorted.set(row, undefined);
    this.#announce(row, isPlaced ? [...changed, ...waits.waits] : changed);
  }

  /** After everything is taken over, because later requests may have their turn now (SLOT7). */
  #announce(row: number, waits: readonly StreamWait[]): void {
    const { onWait } = this.#options;
    if (onWait === undefined || waits.length === 0) return;
    const { function: name } = this.#records.read(row).name;
    for (const pool of new Set(waits.map((wait) => wait.pool))) onWait(pool, name);
  }

  #setGrouped(row: number, grouped: readonly Grouped[]): void {
    if (grouped.length === 0 && !this.debounced.has(row)) return;
    const { name, request = 0, firstDueAt: acceptedAt = 0 } = this.#records.read(row);
    this.debounced.set(row, grouped, { name, request, acceptedAt, bytes: this.#records.requestBytes.get(row) ?? 0 });
  }

  /**
   * Takes over the findings of an inspection: the slots that the invocations of the stream wait for, and whether all of them have their place
   * in the order of their keys.
   */
  takeWaits(stream: OpenStream, { waitsFor, isSorted }: { waitsFor: string | undefined; isSorted: boolean }): void {
    const row = this.#records.rowOf(stream);
    if (row === undefined) return;
    if (isSorted) this.#records.unsorted.set(row, undefined);
    // An append that was folded after the stream was read has newer waits.
    if (this.#records.version.get(row) === stream.version) this.#setWaits(row, waitsFor);
  }

  /** Takes a stream that is due. It is due again at its next `checkAt`. */
  takeDue(now: number): OpenStream | undefined {
    const { queuedAt, checkAt } = this.#records;
    for (;;) {
      const at = this.#dueTimes.next;
      const row = this.#dueTimes.takeDue(now);
      if (row === undefined) return undefined;
      // Only one entry of a stream counts. The others are older, or of a stream that had the slot before.
      if (queuedAt.get(row) !== at) continue;
      queuedAt.set(row, undefined);
      const dueAt = checkAt.get(row);
      if (dueAt === undefined) continue;
      if (dueAt > now) this.#enqueue(row, dueAt);
      else {
        checkAt.set(row, undefined);
        return this.#records.read(row);
      }
    }
  }

  /** Counts an inspection of a stream, or a hint at it. */
  count(stream: OpenStream): void {
    const row = this.#records.rowOf(stream);
    if (row !== undefined) this.#records.inspections.set(row, (this.#records.inspections.get(row) ?? 0) + 1);
  }

  /** Makes a stream due at a time, at the latest. */
  inspectAgain(stream: OpenStream, at: number): void {
    // An append that was folded after the stream was taken may have scheduled an earlier time, which counts.
    const row = this.#records.rowOf(stream);
    if (row !== undefined) this.#scheduleAtLatest(row, at);
  }

  /** Removes a stream that an inspection found settled. */
  remove(stream: OpenStream): void {
    const row = this.#records.rowOf(stream);
    const hasNoNewerAppend = row !== undefined && this.#records.checkAt.get(row) === undefined;
    if (hasNoNewerAppend) this.#delete(row);
  }

  find(name: StreamName): OpenStream | undefined {
    const row = this.#records.find(name);
    return row === undefined ? undefined : this.#records.read(row);
  }

  /** The streams with an id, of any function. */
  findAll(stream: StreamId): readonly OpenStream[] {
    return this.#records.findAll(stream);
  }

  values(): Iterable<OpenStream> {
    return this.#records.values();
  }

  #scheduleAtLatest(row: number, at: number): void {
    this.#schedule(row, Math.min(at, this.#records.checkAt.get(row) ?? NEVER));
  }

  #schedule(row: number, at: number): void {
    // Only an earlier time needs a new entry. `takeDue` puts an entry back that comes too early.
    if (at < (this.#records.queuedAt.get(row) ?? NEVER)) this.#enqueue(row, at);
    this.#records.checkAt.set(row, at);
  }

  #enqueue(row: number, at: number): void {
    this.#records.queuedAt.set(row, at);
    this.#dueTimes.add(row, at);
  }

  #delete(row: number): void {
    this.#requestBytes -= this.#records.requestBytes.get(row) ?? 0;
    this.#setWaits(row, undefined);
    this.#records.remove(row);
  }

  /** Whether the headers show that an append follows the head. A first append is taken on trust, unless it would remove the stream. */
  #isProved(row: number, link: ShortLink, wakeTimes: WakeTimes): boolean {
    const head = this.#records.heads.get(row);
    if (head !== undefined) return head === link.previous;
    return this.#records.request.get(row) === undefined || !isSettledBy(wakeTimes);
  }
}

function isSettledBy({ dueAt, deliverAt, inProgressSince }: WakeTimes): boolean {
  return dueAt === undefined && deliverAt === undefined && inProgressSince === undefined;
}

function earliestOf({ dueAt = NEVER, endsAt = NEVER, deliverAt = NEVER }: WakeTimes): number {
  return Math.min(dueAt, endsAt, deliverAt);
}
