import FlatQueue from 'flatqueue';
import type { Attempt } from '#src/core/flow/ledger-entry.ts';
import { indexOf, invocationAt, parseWaits, type StreamWait, type StreamWaits } from '#src/core/flow/stream-waits.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, type RequestId } from '#src/core/names/names.ts';
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

  /** The stream of an attempt, if the attempt waits for a slot of the pool. */
  find(pool: PoolId, { function: name, invocation, attempt }: Attempt): OpenStream | undefined {
    const slot = this.#records.find({ function: parseFunctionName(name), stream: streamOf(invocation as RequestId) });
    const index = indexOf(invocation);
    const found = slot === undefined ? undefined : this.of(slot)?.waits;
    if (slot === undefined || found === undefined) return undefined;
    const isWaiting = found.some((wait) => wait.pool === pool && wait.index === index && wait.attempt === attempt);
    return isWaiting ? this.#records.read(slot) : undefined;
  }

  /** The next attempt of the invocation of an attempt, if it waits for a slot of the pool. */
  findNext(pool: PoolId, { function: name, invocation, attempt, request }: Attempt): Attempt | undefined {
    const stream = { function: parseFunctionName(name), stream: streamOf(invocation as RequestId) };
    const slot = this.#records.find(stream);
    const index = indexOf(invocation);
    const wait = slot === undefined ? undefined : this.of(slot)?.waits.find((one) => one.pool === pool && one.index === index);
    return wait === undefined || wait.attempt <= attempt ? undefined : attemptAt(stream, request, wait);
  }

  #waitAt(pool: PoolId, key: string, { slot, index, request }: Numbers): StreamWait | undefined {
    if (this.#records.request.get(slot) !== request) return undefined;
    return this.of(slot)?.waits.find((one) => one.pool === pool && one.key === key && one.index === index);
  }

  #keyOf(pool: PoolId, key: string, fn: FunctionName): WaitingKey {
    const keys = this.#pools.get(pool) ?? new Map<string, WaitingKey>();
    this.#pools.set(pool, keys);
    const id = `${fn}/${key}`;
    const known = keys.get(id);
    if (known !== undefined) return known;
    const added = new WaitingKey(
      { id, key, function: fn },
      { waitAt: (numbers) => this.#waitAt(pool, key, numbers), read: (slot) => this.#records.read(slot) },
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

/** An invocation that waited when it was added: the record of its stream, its index there, and the sequence of the request. */
type Numbers = { slot: number; index: number; request: number };
type Streams = { waitAt: (numbers: Numbers) => StreamWait | undefined; read: (slot: number) => OpenStream };

/** The streams of one function that wait for one key. */
export class WaitingKey {
  readonly id: string;
  readonly key: string;
  readonly function: FunctionName;
  readonly #rest = new FlatQueue<number>();
  readonly #streams: Streams;
  #front: Place[] = [];

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
    this.#rest.push(slot * INDEXES + index, request);
    return this.#rest.length === 1;
  }

  /** Drops those among the first ones that wait no longer. */
  dropOthers(): void {
    this.#front = this.#front.filter(({ stream: { slot }, request, wait }) => {
      return this.#streams.waitAt({ slot, index: wait.index, request })?.attempt === wait.attempt;
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

  #takeNext(): Place | undefined {
    const request = this.#rest.peekValue() ?? 0;
    const number = this.#rest.pop() ?? 0;
    const slot = Math.floor(number / INDEXES);
    const index = number % INDEXES;
    const wait = this.#streams.waitAt({ slot, index, request });
    const isKnown = this.#front.some((one) => one.request === request && one.wait.index === index);
    if (wait === undefined || isKnown) return undefined;
    const place = { stream: this.#streams.read(slot), request, wait };
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
