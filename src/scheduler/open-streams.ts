import type { Grouped } from '#src/core/flow/stream-waits.ts';
import type { ShortLink } from '#src/core/log/chain.ts';
import type { LogEntry, StreamName, WakeTimes } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import type { NewestRead } from '#src/core/ports/saved-floor.ts';
import { DebouncedRequests } from './debounced-requests.ts';
import { createDueTimes } from './due-times.ts';
import { type OpenStream, StreamRecords } from './stream-records.ts';
import { UnplacedStreams } from './unplaced-streams.ts';
import { type OnWait, WaitingStreams } from './waiting-streams.ts';

const NEVER = Number.POSITIVE_INFINITY;

export type OpenStreamsOptions = {
  /** How long other roles may take before a stream is inspected, in milliseconds. */
  patienceInMs: number;
  /** The maximum age of a request of the function, in milliseconds; `undefined` for an unknown function. */
  maxAgeOf: (name: FunctionName) => number | undefined;
  /** How long a request for an unknown function may wait for the function, in milliseconds. */
  unknownGraceInMs: number;
  onWait?: OnWait;
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
  #unplaced: UnplacedStreams | undefined;
  /** The requests that wait for their groups. */
  readonly debounced = new DebouncedRequests();
  #nextSequence = 1;
  #requestBytes = 0;
  #newestAt = 0;

  constructor(options: OpenStreamsOptions) {
    this.#options = options;
    this.waiting = new WaitingStreams(this.#records, options.onWait ?? (() => {}));
  }

  /** Created at the first question: a system without an order of requests needs none. */
  get unplaced(): UnplacedStreams {
    this.#unplaced ??= new UnplacedStreams(this.#records);
    return this.#unplaced;
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
      this.#unplaced?.clear();
    }
    this.#nextSequence = entry.sequence + 1;
    this.#newestAt = entry.at;
    if (entry.kind === 'request') this.#foldRequest(entry);
    else if (entry.kind === 'append') this.#foldAppend(entry);
    else if (entry.wakes !== undefined) this.#foldWake(entry.wakes, entry.sequence);
  };

  #foldWake(name: StreamName, sequence: number): void {
    const slot = this.#records.find(name);
    if (slot !== undefined) this.#records.wake.set(slot, sequence);
  }

  #foldRequest({ name, sequence, at, size, isBatch, dueAt }: LogEntry & { kind: 'request' }): void {
    const records = this.#records;
    // A second request with the same id belongs to the stream of the first.
    if (records.find(name) !== undefined) return;
    const { patienceInMs, maxAgeOf, unknownGraceInMs } = this.#options;
    const slot = records.add(name, sequence);
    records.request.set(slot, sequence);
    records.firstDueAt.set(slot, dueAt ?? at);
    records.requestBytes.set(slot, size);
    this.#requestBytes += size;
    records.dueAt.set(slot, dueAt);
    // A message of several requests has its place when all of them have.
    if (dueAt === undefined && isBatch) records.unplaced.set(slot, 1);
    if (dueAt === undefined) this.#unplaced?.add(slot, name.function);
    this.#schedule(slot, dueAt ?? at + Math.min(patienceInMs, maxAgeOf(name.function) ?? unknownGraceInMs));
  }

  #foldAppend({ name, sequence, at, wakeTimes, link }: LogEntry & { kind: 'append' }): void {
    const records = this.#records;
    const known = records.find(name);
    if (known !== undefined && link !== undefined && !this.#isProved(known, link, wakeTimes)) {
      records.version.set(known, sequence);
      records.wake.set(known, undefined);
      if (!records.heads.has(known)) records.heads.set(known, link.own);
      return this.#scheduleAtLatest(known, at + this.#options.patienceInMs);
    }
    const { dueAt, endsAt, deliverAt, inProgressSince } = wakeTimes;
    if (isSettledBy(wakeTimes)) {
      if (known !== undefined) this.#delete(known);
      return;
    }
    const slot = known ?? records.add(name, sequence);
    records.version.set(slot, sequence);
    if (link === undefined) records.heads.delete(slot);
    else records.heads.set(slot, link.own);
    records.dueAt.set(slot, dueAt);
    records.endsAt.set(slot, endsAt);
    records.inProgress.set(slot, inProgressSince === undefined ? undefined : 1);
    records.wake.set(slot, undefined);
    records.deliverAt.set(slot, deliverAt);
    records.inspections.set(slot, undefined);
    if (inProgressSince === undefined) records.unplaced.set(slot, undefined);
    this.#setWaits(slot, wakeTimes.waitsFor);
    this.#schedule(slot, this.#checkAtOf(slot, wakeTimes, at));
  }

  #checkAtOf(slot: number, wakeTimes: WakeTimes, at: number): number {
    const afterPatience = at + this.#options.patienceInMs;
    if (this.#records.waiting.get(slot) === 1) return afterPatience;
    return Math.min(earliestOf(wakeTimes), wakeTimes.inProgressSince === undefined ? NEVER : afterPatience);
  }

  #setWaits(slot: number, waitsFor: string | undefined): void {
    // A stream that waits for nothing, and did not before, costs nothing.
    if (waitsFor === undefined && this.#records.waits.get(slot) === undefined) return this.#records.waiting.set(slot, undefined);
    this.waiting.set(slot, waitsFor);
    const waits = this.waiting.of(slot);
    const isWaiting = waits !== undefined && !waits.hasOthers;
    this.#setGrouped(slot, waits?.grouped ?? []);
    this.#records.waiting.set(slot, isWaiting ? 1 : undefined);
    if (isWaiting) this.#records.unplaced.set(slot, undefined);
  }

  #setGrouped(slot: number, grouped: readonly Grouped[]): void {
    if (grouped.length === 0 && !this.debounced.has(slot)) return;
    const { name, request = 0, firstDueAt: acceptedAt = 0 } = this.#records.read(slot);
    this.debounced.set(slot, grouped, { name, request, acceptedAt, bytes: this.#records.requestBytes.get(slot) ?? 0 });
  }

  /**
   * Takes over what an inspection found: the slots that the invocations of the stream wait for, and whether all of them have their place in
   * the order of their keys.
   */
  noteWaits(stream: OpenStream, { waitsFor, isPlaced }: { waitsFor: string | undefined; isPlaced: boolean }): void {
    const slot = this.#records.slotOf(stream);
    if (slot === undefined) return;
    if (isPlaced) this.#records.unplaced.set(slot, undefined);
    // An append that was folded after the stream was read says it better.
    if (this.#records.version.get(slot) === stream.version) this.#setWaits(slot, waitsFor);
  }

  /** Takes a stream that is due. It is due again at its next `checkAt`. */
  takeDue(now: number): OpenStream | undefined {
    const { queuedAt, checkAt } = this.#records;
    for (;;) {
      const at = this.#dueTimes.next;
      const slot = this.#dueTimes.takeDue(now);
      if (slot === undefined) return undefined;
      // Only one entry of a stream counts. The others are older, or of a stream that had the slot before.
      if (queuedAt.get(slot) !== at) continue;
      queuedAt.set(slot, undefined);
      const dueAt = checkAt.get(slot);
      if (dueAt === undefined) continue;
      if (dueAt > now) this.#enqueue(slot, dueAt);
      else {
        checkAt.set(slot, undefined);
        return this.#records.read(slot);
      }
    }
  }

  /** Counts an inspection of a stream, or a hint at it. */
  count(stream: OpenStream): void {
    const slot = this.#records.slotOf(stream);
    if (slot !== undefined) this.#records.inspections.set(slot, (this.#records.inspections.get(slot) ?? 0) + 1);
  }

  /** Makes a stream due at a time, at the latest. */
  inspectAgain(stream: OpenStream, at: number): void {
    // An append that was folded after the stream was taken may have scheduled an earlier time, which counts.
    const slot = this.#records.slotOf(stream);
    if (slot !== undefined) this.#scheduleAtLatest(slot, at);
  }

  /** Removes a stream that an inspection found settled. */
  remove(stream: OpenStream): void {
    const slot = this.#records.slotOf(stream);
    const hasNoNewerAppend = slot !== undefined && this.#records.checkAt.get(slot) === undefined;
    if (hasNoNewerAppend) this.#delete(slot);
  }

  find(name: StreamName): OpenStream | undefined {
    const slot = this.#records.find(name);
    return slot === undefined ? undefined : this.#records.read(slot);
  }

  /** The streams with an id, of any function. */
  findAll(stream: StreamId): readonly OpenStream[] {
    return this.#records.findAll(stream);
  }

  values(): Iterable<OpenStream> {
    return this.#records.values();
  }

  #scheduleAtLatest(slot: number, at: number): void {
    this.#schedule(slot, Math.min(at, this.#records.checkAt.get(slot) ?? NEVER));
  }

  #schedule(slot: number, at: number): void {
    // Only an earlier time needs a new entry. `takeDue` puts an entry back that comes too early.
    if (at < (this.#records.queuedAt.get(slot) ?? NEVER)) this.#enqueue(slot, at);
    this.#records.checkAt.set(slot, at);
  }

  #enqueue(slot: number, at: number): void {
    this.#records.queuedAt.set(slot, at);
    this.#dueTimes.add(slot, at);
  }

  #delete(slot: number): void {
    this.#requestBytes -= this.#records.requestBytes.get(slot) ?? 0;
    this.#setWaits(slot, undefined);
    this.#records.remove(slot);
  }

  /** Whether the headers show that an append follows the head. A first append is taken on trust, unless it would remove the stream. */
  #isProved(slot: number, link: ShortLink, wakeTimes: WakeTimes): boolean {
    const head = this.#records.heads.get(slot);
    if (head !== undefined) return head === link.previous;
    return this.#records.request.get(slot) === undefined || !isSettledBy(wakeTimes);
  }
}

function isSettledBy({ dueAt, deliverAt, inProgressSince }: WakeTimes): boolean {
  return dueAt === undefined && deliverAt === undefined && inProgressSince === undefined;
}

function earliestOf({ dueAt = NEVER, endsAt = NEVER, deliverAt = NEVER }: WakeTimes): number {
  return Math.min(dueAt, endsAt, deliverAt);
}
