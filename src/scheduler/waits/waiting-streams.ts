import type { Attempt } from '#src/core/flow/ledger-entry.ts';
import { indexOf, parseWaits, type StreamWait, type StreamWaits } from '#src/core/flow/stream-waits.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import { ValueColumn } from '#src/scheduler/open/chunked-lists.ts';
import { PartedMap } from '#src/scheduler/open/parted-map.ts';
import type { StreamRecords } from '#src/scheduler/open/stream-records.ts';
import { queueIdOf } from '#src/scheduler/slots/entry-counts.ts';
import { attemptAt, type WaitingAttempt } from './waiting-key.ts';
import { WaitingPool } from './waiting-pool.ts';

/** The aging of a function whose requests start by priority. */
export type AgingOf = (name: FunctionName) => number | undefined;

/**
 * The streams that wait for a slot, by pool, function and key.
 *
 * A backlog of one key has many thousand streams, so each waits as three numbers in a queue and one in a column. What a stream waits for is
 * known by the number of its text, which streams share.
 */
export class WaitingStreams {
  readonly #records: StreamRecords;
  readonly #texts = new PartedMap<number>();
  readonly #known = new ValueColumn<{ text: string; streams: number } & StreamWaits>();
  #numbers = 0;
  readonly #pools = new Map<PoolId, WaitingPool>();
  readonly #freeNumbers: number[] = [];
  readonly #agingOf: AgingOf;

  constructor(records: StreamRecords, agingOf: AgingOf) {
    this.#records = records;
    this.#agingOf = agingOf;
  }

  /** The pools for which streams wait, or waited a moment ago. */
  get pools(): ReadonlyMap<PoolId, WaitingPool> {
    return this.#pools;
  }

  /**
   * Takes over what a stream waits for. Returns the waits that began or ended. The others cost nothing: a message of 64 requests gets an append for
   * each few of them.
   */
  set(row: number, text: string | undefined): readonly StreamWait[] {
    const known = this.#records.waits.get(row);
    const before = known === undefined ? undefined : this.#known.get(known);
    if (before?.text === text) return [];
    // Without the sequence of the request, the stream has no place in the order. Its inspections wake it.
    const number = text === undefined || this.#records.request.get(row) === undefined ? undefined : this.#numberOf(text);
    this.#records.waits.set(row, number);
    const ended = new Map(before?.waits.map((wait) => [wait.index, wait]));
    const begun = (this.of(row)?.waits ?? []).filter((wait) => {
      const isKept = isSameWait(wait, ended.get(wait.index));
      if (isKept) ended.delete(wait.index);
      return !isKept;
    });
    if (known !== undefined) this.#release(known);
    const changed = [...ended.values(), ...begun];
    if (changed.length === 0) return changed;
    const { function: name } = this.#records.read(row).name;
    for (const { pool, key } of ended.values()) this.#pools.get(pool)?.markReady(queueIdOf(name, key));
    for (const { pool, key, index } of begun) this.#poolOf(pool).add(name, key).add(row, index);
    return changed;
  }

  of(row: number): StreamWaits | undefined {
    const number = this.#records.waits.get(row);
    return number === undefined ? undefined : this.#known.get(number);
  }

  /** An attempt, if it waits for a slot of the pool. */
  find(pool: PoolId, { function: name, invocation, attempt }: Attempt): WaitingAttempt | undefined {
    const row = this.#records.find({ function: parseFunctionName(name), stream: streamOf(invocation as RequestId) });
    const index = indexOf(invocation);
    if (row === undefined) return undefined;
    const wait = this.of(row)?.waits.find((one) => one.pool === pool && one.index === index && one.attempt === attempt);
    const request = this.#records.request.get(row);
    return wait === undefined || request === undefined ? undefined : { stream: this.#records.read(row), request, wait };
  }

  /** The next attempt of the invocation of an attempt, if it waits for a slot of the pool. */
  findNext(pool: PoolId, { function: name, invocation, attempt, request }: Attempt): Attempt | undefined {
    const stream = { function: parseFunctionName(name), stream: streamOf(invocation as RequestId) };
    const row = this.#records.find(stream);
    const index = indexOf(invocation);
    const wait = row === undefined ? undefined : this.of(row)?.waits.find((one) => one.pool === pool && one.index === index);
    return wait === undefined || wait.attempt <= attempt ? undefined : attemptAt(stream, request, wait);
  }

  #waitAt(pool: PoolId, key: string, row: number, index: number): StreamWait | undefined {
    return this.of(row)?.waits.find((one) => one.pool === pool && one.key === key && one.index === index);
  }

  #poolOf(pool: PoolId): WaitingPool {
    const known = this.#pools.get(pool);
    if (known !== undefined) return known;
    const streams = (key: string) => ({
      waitAt: (row: number, index: number) => this.#waitAt(pool, key, row, index),
      records: this.#records,
    });
    const added = new WaitingPool({ streams, agingOf: this.#agingOf, onEmpty: () => void this.#pools.delete(pool) });
    this.#pools.set(pool, added);
    return added;
  }

  #numberOf(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) {
      const entry = this.#known.get(known);
      if (entry !== undefined) entry.streams++;
      return known;
    }
    const number = this.#freeNumbers.pop() ?? this.#numbers++;
    this.#known.set(number, { text, streams: 1, ...parseWaits(text) });
    this.#texts.set(text, number);
    return number;
  }

  #release(number: number): void {
    const entry = this.#known.get(number);
    if (entry === undefined || --entry.streams > 0) return;
    this.#known.set(number, undefined);
    this.#freeNumbers.push(number);
    this.#texts.delete(entry.text);
  }
}

function isSameWait(one: StreamWait, other: StreamWait | undefined): boolean {
  if (other === undefined || one.key !== other.key || one.pool !== other.pool) return false;
  return one.attempt === other.attempt && one.priority === other.priority;
}
