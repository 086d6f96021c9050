import type { Attempt } from '#src/core/flow/ledger-entry.ts';
import { indexOf, parseWaits, type StreamWait, type StreamWaits } from '#src/core/flow/stream-waits.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import type { StreamRecords } from '#src/scheduler/open/stream-records.ts';
import { queueIdOf } from '#src/scheduler/slots/entry-counts.ts';
import { attemptAt, type WaitingAttempt } from './waiting-key.ts';
import { WaitingPool } from './waiting-pool.ts';

/** Called when an invocation of a function begins to wait for a slot of a pool, or waits no longer. */
export type OnWait = (pool: PoolId, name: FunctionName) => void;

/**
 * The streams that wait for a slot, by pool, function and key.
 *
 * A backlog of one key has many thousand streams, so each waits as three numbers in a queue and one in a column. What a stream waits for is
 * known by the number of its text, which streams share.
 */
export class WaitingStreams {
  readonly #records: StreamRecords;
  readonly #texts = new Map<string, number>();
  readonly #known: (({ text: string; streams: number } & StreamWaits) | undefined)[] = [];
  readonly #pools = new Map<PoolId, WaitingPool>();
  readonly #freeNumbers: number[] = [];
  readonly #onWait: OnWait;

  constructor(records: StreamRecords, onWait: OnWait) {
    this.#records = records;
    this.#onWait = onWait;
  }

  /** The pools for which streams wait, or waited a moment ago. */
  get pools(): ReadonlyMap<PoolId, WaitingPool> {
    return this.#pools;
  }

  /** Takes over what a stream waits for. */
  set(row: number, text: string | undefined): void {
    const known = this.#records.waits.get(row);
    if ((known === undefined ? undefined : this.#known[known]?.text) === text) return;
    this.#forget(row);
    const request = this.#records.request.get(row);
    // Without the sequence of the request, the stream has no place in the order. Its inspections wake it.
    if (text === undefined || request === undefined) return;
    const number = this.#numberOf(text);
    this.#records.waits.set(row, number);
    const { name } = this.#records.read(row);
    for (const wait of this.#known[number]?.waits ?? []) {
      this.#poolOf(wait.pool).add(name.function, wait.key).add(row, wait.index);
      this.#onWait(wait.pool, name.function);
    }
  }

  of(row: number): StreamWaits | undefined {
    const number = this.#records.waits.get(row);
    return number === undefined ? undefined : this.#known[number];
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
    const added = new WaitingPool({ streams, onEmpty: () => void this.#pools.delete(pool) });
    this.#pools.set(pool, added);
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

  #forget(row: number): void {
    const number = this.#records.waits.get(row);
    const entry = number === undefined ? undefined : this.#known[number];
    this.#records.waits.set(row, undefined);
    if (number === undefined || entry === undefined) return;
    const { name } = this.#records.read(row);
    for (const { pool, key } of entry.waits) {
      this.#pools.get(pool)?.markReady(queueIdOf(name.function, key));
      this.#onWait(pool, name.function);
    }
    if (--entry.streams > 0) return;
    this.#known[number] = undefined;
    this.#freeNumbers.push(number);
    this.#texts.delete(entry.text);
  }
}
