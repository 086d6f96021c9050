import type { FunctionName } from '#src/core/names/names.ts';
import { TwoKeyQueue } from '#src/scheduler/open/chunked-lists.ts';
import type { StreamRecords } from '#src/scheduler/open/stream-records.ts';

/**
 * The streams with requests of which the log does not say yet for which key they wait (SLOT7).
 *
 * A request has its place when it waits for its key, started, or is over. A delayed request takes its place when it is due and the log says
 * that it waits, so it delays no other request before.
 *
 * A function is followed from the first question on, so that functions without an order cost nothing.
 */
export class UnsortedStreams {
  readonly #records: StreamRecords;
  readonly #queues = new Map<FunctionName, TwoKeyQueue>();

  constructor(records: StreamRecords) {
    this.#records = records;
  }

  /** A request was accepted. */
  add(row: number, name: FunctionName): void {
    const queue = this.#queues.get(name);
    if (queue === undefined) return;
    this.#push(queue, row);
    this.#dropPlaced(queue);
  }

  /** The sequence of the first request of a function that has no place; infinite when all have one. */
  firstOf(name: FunctionName): number {
    const queue = this.#queues.get(name) ?? this.#collect(name);
    this.#dropPlaced(queue);
    return queue.first ?? Number.POSITIVE_INFINITY;
  }

  /** When the log accepted that request; infinite when all have a place. */
  firstTimeOf(name: FunctionName): number {
    const first = this.firstOf(name);
    const row = first === Number.POSITIVE_INFINITY ? undefined : this.#queues.get(name)?.id;
    return row === undefined ? Number.POSITIVE_INFINITY : (this.#records.firstDueAt.get(row) ?? 0);
  }

  /** The log is read again from its beginning. */
  clear(): void {
    this.#queues.clear();
  }

  #collect(name: FunctionName): TwoKeyQueue {
    const queue = new TwoKeyQueue();
    for (const row of this.#records.rowsOf(name)) if (this.#isUnsorted(row)) this.#push(queue, row);
    this.#queues.set(name, queue);
    return queue;
  }

  #push(queue: TwoKeyQueue, row: number): void {
    const request = this.#records.request.get(row);
    if (request !== undefined) queue.push(row, request, 0);
  }

  #dropPlaced(queue: TwoKeyQueue): void {
    for (let row = queue.id; row !== undefined; row = queue.id) {
      if (this.#records.request.get(row) === queue.first && this.#isUnsorted(row)) return;
      queue.pop();
    }
  }

  /** The first append to a stream of one request gives it its place. */
  #isUnsorted(row: number): boolean {
    const { unsorted, version, request, dueAt } = this.#records;
    return unsorted.get(row) === 1 || (version.get(row) === request.get(row) && dueAt.get(row) === undefined);
  }
}
