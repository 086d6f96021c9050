import type { Attempt } from '#src/core/flow/ledger-entry.ts';
import { invocationAt, type StreamWait } from '#src/core/flow/stream-waits.ts';
import { rankOf } from '#src/core/functions/priority.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { TwoKeyQueue } from '#src/scheduler/open/chunked-lists.ts';
import type { OpenStream, StreamRecords } from '#src/scheduler/open/stream-records.ts';

/** An invocation that waits for a slot, with its stream. */
export type WaitingAttempt = { readonly stream: OpenStream; readonly request: number; readonly wait: StreamWait };

/**
 * The queues of one key whose functions have equal limits. They take turns at what becomes free, because each of them would list the same
 * attempts of the key. A queue that shares no turns is alone.
 */
export type SharedTurns = {
  readonly limits: string;
  /** The next turn is that of the first queue. */
  readonly queues: Map<string, WaitingKey>;
  /** How many more queues get the present turn when those before them leave room. */
  passes: number;
};

/** A number for an invocation of a stream: 64 of them share a stream. */
const INDEXES = 64;

type Streams = { waitAt: (row: number, index: number) => StreamWait | undefined; records: StreamRecords };

/**
 * The invocations of one function that wait for one key, in the order of their requests or of their ranks (SLOT8).
 *
 * An invocation that waits no longer stays in the queue until it is the first one, and is left out then.
 */
export class WaitingKey {
  readonly id: string;
  readonly key: string;
  readonly function: FunctionName;
  /** When the scheduler has to look at the key again although nothing happens; infinite when there is no such time. */
  dueAt = Number.POSITIVE_INFINITY;
  turns: SharedTurns | undefined;
  /** Whether the key is in the list of the ready keys, and which one comes after it there. */
  isReady = false;
  nextReady: WaitingKey | undefined;
  readonly #streams: Streams;
  readonly #queue = new TwoKeyQueue();
  /** `undefined` while the order is that of the requests. */
  #agingInMs: number | undefined;

  constructor({ id, key, function: fn }: { id: string; key: string; function: FunctionName }, streams: Streams, agingInMs?: number) {
    this.id = id;
    this.key = key;
    this.function = fn;
    this.#streams = streams;
    this.#agingInMs = agingInMs;
  }

  /** Whether no invocation waits for the key. Drops the first ones that wait no longer. */
  get isEmpty(): boolean {
    return this.first(1).length === 0;
  }

  add(row: number, index: number): void {
    const wait = this.#streams.waitAt(row, index);
    if (wait !== undefined) this.#push(row, wait);
  }

  /** Orders the invocations by their ranks, or without an aging by their requests. */
  orderBy(agingInMs: number | undefined): void {
    if (agingInMs === this.#agingInMs) return;
    this.#agingInMs = agingInMs;
    this.#queue.rekey((number, order) => {
      const row = Math.floor(number / INDEXES);
      const wait = this.#streams.waitAt(row, number % INDEXES);
      return wait === undefined || this.#orderOf(row, wait) !== order ? undefined : this.#rankOf(row, wait);
    });
  }

  /**
   * The first ones for which `isWanted` holds, so many at most.
   *
   * Takes and puts back those before them that are not wanted: attempts that the entry of the pool names, or that left it within the patience.
   */
  first(count: number, isWanted: (attempt: WaitingAttempt) => boolean = () => true): WaitingAttempt[] {
    const wanted: WaitingAttempt[] = [];
    const taken: WaitingAttempt[] = [];
    for (let last: number | undefined; wanted.length < count && this.#queue.length > 0; ) {
      const { first: rank, second: order } = this.#queue;
      const number = this.#queue.pop() ?? 0;
      const found = number === last ? undefined : this.#read(number, rank, order);
      // An entry of an earlier stream has the same number, and is no double of the present one.
      if (found === undefined) continue;
      last = number;
      taken.push(found);
      if (isWanted(found)) wanted.push(found);
    }
    for (const { stream, wait } of taken) this.#push(stream.row, wait);
    return wanted;
  }

  #push(row: number, wait: StreamWait): void {
    this.#queue.push(row * INDEXES + wait.index, this.#rankOf(row, wait), this.#orderOf(row, wait));
  }

  #orderOf(row: number, { index }: StreamWait): number {
    return (this.#streams.records.request.get(row) ?? 0) * INDEXES + index;
  }

  #rankOf(row: number, { priority }: StreamWait): number {
    return this.#agingInMs === undefined ? 0 : rankOf(this.#streams.records.firstDueAt.get(row) ?? 0, priority, this.#agingInMs);
  }

  /** An entry of another stream, which had the slot before, has another order or function. The stream of the slot has an entry of its own. */
  #read(number: number, rank: number | undefined, order: number | undefined): WaitingAttempt | undefined {
    const row = Math.floor(number / INDEXES);
    const wait = this.#streams.waitAt(row, number % INDEXES);
    const request = this.#streams.records.request.get(row);
    if (wait === undefined || request === undefined) return undefined;
    if (this.#rankOf(row, wait) !== rank || this.#orderOf(row, wait) !== order) return undefined;
    const stream = this.#streams.records.read(row);
    return stream.name.function === this.function ? { stream, request, wait } : undefined;
  }
}

/** The attempt that waits. */
export function attemptOf({ stream: { name }, request, wait }: WaitingAttempt): Attempt {
  return attemptAt(name, request, wait);
}

export function attemptAt(name: StreamName, request: number, { key, index, attempt }: StreamWait): Attempt {
  return { key, function: name.function, invocation: invocationAt(name.stream, index), attempt, request };
}
