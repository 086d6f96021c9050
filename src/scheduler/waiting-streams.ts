import FlatQueue from 'flatqueue';
import type { Attempt } from '#src/core/flow/ledger-entry.ts';
import { indexOf, invocationAt, parseWaits, type StreamWait, type StreamWaits } from '#src/core/flow/stream-waits.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import { rankOf } from '#src/core/functions/priority.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import { queueIdOf } from './entry-counts.ts';
import type { OpenStream, StreamRecords } from './stream-records.ts';

/** One of the first invocations that wait for a key, with its stream. */
export type Place = { readonly stream: OpenStream; readonly request: number; readonly wait: StreamWait };

/** Called for each invocation that begins to wait. `mayBeFirst`: none of its function certainly comes before it. */
export type OnWait = (pool: PoolId, attempt: Attempt, mayBeFirst: boolean) => void;

/**
 * The streams that wait for a slot, by pool, function and key, in the order of their requests.
 *
 * A backlog of one key has many thousand streams, so each waits as two numbers in a queue and one in a column. Only the first ones of a key
 * are objects. What a stream waits for is known by the number of its text, which streams share.
 *
 * A stream that waits no longer stays in its queue until its turn, and is left out then.
 */
export class WaitingStreams {
  readonly #records: StreamRecords;
  readonly #texts = new Map<string, number>();
  readonly #known: (({ text: string; streams: number } & StreamWaits) | undefined)[] = [];
  readonly #pools = new Map<PoolId, Map<string, WaitingKey>>();
  readonly #freeNumbers: number[] = [];
  readonly #onWait: OnWait;

  constructor(records: StreamRecords, onWait: OnWait) {
    this.#records = records;
    this.#onWait = onWait;
  }

  /** The pools for which streams wait, or waited a moment ago. */
  get pools(): Iterable<PoolId> {
    return this.#pools.keys();
  }

  /** Whether streams wait for a pool, or waited a moment ago. */
  has(pool: PoolId): boolean {
    return this.#pools.has(pool);
  }

  /** Takes over what a stream waits for. */
  set(slot: number, text: string | undefined): void {
    const known = this.#records.waits.get(slot);
    if ((known === undefined ? undefined : this.#known[known]?.text) === text) return;
    this.#forget(slot);
    const request = this.#records.request.get(slot);
    // Without the sequence of the request, the stream has no place in the order. Its inspections wake it.
    if (text === undefined || request === undefined) return;
    const number = this.#numberOf(text);
    this.#records.waits.set(slot, number);
    const { name } = this.#records.read(slot);
    for (const wait of this.#known[number]?.waits ?? []) {
      const mayBeFirst = this.#keyOf(wait.pool, wait.key, name.function).add(slot, wait.index, request);
      this.#onWait(wait.pool, attemptAt(name, request, wait), mayBeFirst);
    }
  }

  of(slot: number): StreamWaits | undefined {
    const number = this.#records.waits.get(slot);
    return number === undefined ? undefined : this.#known[number];
  }

  /** The keys of a pool for which streams wait, the one whose turn is longest ago first. */
  keysOf(pool: PoolId): WaitingKey[] {
    const keys = this.#pools.get(pool);
    if (keys === undefined) return [];
    for (const [id, waiting] of keys) {
      waiting.dropOthers();
      if (waiting.isEmpty) keys.delete(id);
    }
    if (keys.size === 0) this.#pools.delete(pool);
    return [...keys.values()];
  }

  /** A key had its turn. */
  putLast(pool: PoolId, waiting: WaitingKey): void {
    const keys = this.#pools.get(pool);
    if (keys?.delete(waiting.id)) keys.set(waiting.id, waiting);
  }

  /** The place of an attempt, if the attempt waits for a slot of the pool. */
  find(pool: PoolId, { function: name, invocation, attempt }: Attempt): Place | undefined {
    const slot = this.#records.find({ function: parseFunctionName(name), stream: streamOf(invocation as RequestId) });
    const index = indexOf(invocation);
    if (slot === undefined) return undefined;
    const wait = this.of(slot)?.waits.find((one) => one.pool === pool && one.index === index && one.attempt === attempt);
    const request = this.#records.request.get(slot);
    return wait === undefined || request === undefined ? undefined : { stream: this.#records.read(slot), request, wait };
  }

  /** The next attempt of the invocation of an attempt, if it waits for a slot of the pool. */
  findNext(pool: PoolId, { function: name, invocation, attempt, request }: Attempt): Attempt | undefined {
    const stream = { function: parseFunctionName(name), stream: streamOf(invocation as RequestId) };
    const slot = this.#records.find(stream);
    const index = indexOf(invocation);
    const wait = slot === undefined ? undefined : this.of(slot)?.waits.find((one) => one.pool === pool && one.index === index);
    return wait === undefined || wait.attempt <= attempt ? undefined : attemptAt(stream, request, wait);
  }

  #waitAt(pool: PoolId, key: string, slot: number, index: number): StreamWait | undefined {
    return this.of(slot)?.waits.find((one) => one.pool === pool && one.key === key && one.index === index);
  }

  #keyOf(pool: PoolId, key: string, fn: FunctionName): WaitingKey {
    const keys = this.#pools.get(pool) ?? new Map<string, WaitingKey>();
    this.#pools.set(pool, keys);
    const id = queueIdOf(fn, key);
    const known = keys.get(id);
    if (known !== undefined) return known;
    const added = new WaitingKey(
      { id, key, function: fn },
      { waitAt: (slot, index) => this.#waitAt(pool, key, slot, index), records: this.#records },
    );
    keys.set(id, added);
    return added;
  }

  #numberOf(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) {
      const entry = this.#known[known];
      if (entry !== undefined) entry.streams++;
      return known;
    }
    const number = this.#freeNumbers.pop() ?? this.#known.length;
    this.#known[number] = { text, streams: 1, ...parseWaits(text) };
    this.#texts.set(text, number);
    return number;
  }

  #forget(slot: number): void {
    const number = this.#records.waits.get(slot);
    const entry = number === undefined ? undefined : this.#known[number];
    this.#records.waits.set(slot, undefined);
    if (number === undefined || entry === undefined || --entry.streams > 0) return;
    this.#known[number] = undefined;
    this.#freeNumbers.push(number);
    this.#texts.delete(entry.text);
  }
}

/** A number for an invocation of a stream: 64 of them share a stream. */
const INDEXES = 64;

type Streams = { waitAt: (slot: number, index: number) => StreamWait | undefined; records: StreamRecords };

/** The streams of one function that wait for one key, in the order of their requests or of their ranks (SLOT8). */
export class WaitingKey {
  readonly id: string;
  readonly key: string;
  readonly function: FunctionName;
  readonly #rest = new FlatQueue<number>();
  readonly #streams: Streams;
  #front: Place[] = [];
  /** `undefined` while the order is that of the requests. */
  #agingInMs: number | undefined;

  constructor({ id, key, function: fn }: { id: string; key: string; function: FunctionName }, streams: Streams) {
    this.id = id;
    this.key = key;
    this.function = fn;
    this.#streams = streams;
  }

  get isEmpty(): boolean {
    return this.#front.length === 0 && this.#rest.length === 0;
  }

  /** Adds an invocation of a stream; false when others certainly come before it. */
  add(slot: number, index: number, request: number): boolean {
    const wait = this.#agingInMs === undefined ? undefined : this.#streams.waitAt(slot, index);
    this.#rest.push(slot * INDEXES + index, wait === undefined ? request : this.#orderOf(slot, wait));
    return this.#rest.length === 1;
  }

  /** Orders the invocations by their ranks, or without an aging by their requests. */
  orderBy(agingInMs: number | undefined): void {
    if (agingInMs === this.#agingInMs) return;
    this.#agingInMs = agingInMs;
    const numbers: number[] = [];
    for (let number = this.#rest.pop(); number !== undefined; number = this.#rest.pop()) numbers.push(number);
    for (const number of numbers) this.#push(number);
    this.#putBack();
  }

  /** Drops those among the first ones that wait no longer. */
  dropOthers(): void {
    this.#front = this.#front.filter(({ stream: { slot }, request, wait }) => {
      return this.#streams.records.request.get(slot) === request && this.#streams.waitAt(slot, wait.index)?.attempt === wait.attempt;
    });
    while (this.#front.length === 0 && this.#rest.length > 0 && !this.#takeNext()) {}
  }

  /** The first ones, at least so many for which `isWanted` holds, if there are. */
  first(count: number, isWanted: (place: Place) => boolean): Place[] {
    const wanted = this.#front.filter(isWanted);
    while (wanted.length < count && this.#rest.length > 0) {
      const next = this.#takeNext();
      if (next !== undefined && isWanted(next)) wanted.push(next);
    }
    return wanted.slice(0, count);
  }

  /** The first ones in the order of the log: also before those that began to wait earlier (SLOT7). */
  firstInOrder(count: number): Place[] {
    const last = (): number => Math.max(...this.#front.map(({ request }) => request));
    // The queue does not order the requests of one message, so all of them are taken.
    while (this.#rest.length > 0 && (this.#front.length < count || (this.#rest.peekValue() ?? 0) <= last())) this.#takeNext();
    return this.#front.sort((one, other) => one.request - other.request || one.wait.index - other.wait.index).slice(0, count);
  }

  /** The first ones by their ranks: also before those that were the first ones a moment ago (SLOT8). */
  firstByRank(count: number, isWanted: (place: Place) => boolean): Place[] {
    this.#putBack();
    const wanted: Place[] = [];
    let last: number | undefined;
    // The queue does not order invocations of one rank, so all of them are taken.
    while (this.#rest.length > 0 && (wanted.length < count || this.#rest.peekValue() === last)) {
      const rank = this.#rest.peekValue();
      const next = this.#takeNext();
      if (next === undefined || !isWanted(next)) continue;
      wanted.push(next);
      last = rank;
    }
    const orderOf = ({ stream: { slot }, wait }: Place): number => this.#orderOf(slot, wait);
    const byLog = (one: Place, other: Place): number => one.request - other.request || one.wait.index - other.wait.index;
    return wanted.sort((one, other) => orderOf(one) - orderOf(other) || byLog(one, other)).slice(0, count);
  }

  #putBack(): void {
    for (const { stream, wait } of this.#front.splice(0)) this.#push(stream.slot * INDEXES + wait.index);
  }

  #push(number: number): void {
    const slot = Math.floor(number / INDEXES);
    const wait = this.#streams.waitAt(slot, number % INDEXES);
    if (wait !== undefined) this.#rest.push(number, this.#orderOf(slot, wait));
  }

  #orderOf(slot: number, { priority }: StreamWait): number {
    const { request, firstDueAt } = this.#streams.records;
    if (this.#agingInMs === undefined) return request.get(slot) ?? 0;
    return rankOf(firstDueAt.get(slot) ?? 0, priority, this.#agingInMs);
  }

  /** An entry of another stream, which had the slot before, has another order or function. The stream of the slot has an entry of its own. */
  #takeNext(): Place | undefined {
    const order = this.#rest.peekValue();
    const number = this.#rest.pop() ?? 0;
    const slot = Math.floor(number / INDEXES);
    const index = number % INDEXES;
    const wait = this.#streams.waitAt(slot, index);
    const request = this.#streams.records.request.get(slot);
    if (wait === undefined || request === undefined || this.#orderOf(slot, wait) !== order) return undefined;
    const stream = this.#streams.records.read(slot);
    const isKnown = this.#front.some((one) => one.request === request && one.wait.index === index);
    if (isKnown || stream.name.function !== this.function) return undefined;
    const place = { stream, request, wait };
    this.#front.push(place);
    return place;
  }
}

/** The attempt of a place. */
export function attemptOf({ stream: { name }, request, wait }: Place): Attempt {
  return attemptAt(name, request, wait);
}

function attemptAt(name: StreamName, request: number, { key, index, attempt }: StreamWait): Attempt {
  return { key, function: name.function, invocation: invocationAt(name.stream, index), attempt, request };
}
