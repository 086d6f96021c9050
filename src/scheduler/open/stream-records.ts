import type { StreamName } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { NumberColumn, ValueColumn } from './chunked-lists.ts';
import { NO_ROW, StreamTable } from './stream-table.ts';

/** A column, seen from code that empties it. */
type Column = { set(row: number, value: undefined): void; clear(): void };

function isColumn(value: unknown): value is Column {
  return value instanceof NumberColumn || value instanceof ValueColumn;
}

/** A stream with at least one invocation that is not settled, as it was at one moment. */
export type OpenStream = {
  readonly name: StreamName;
  /** The sequence of the request; `undefined` when the log was read from a later sequence. */
  readonly request: number | undefined;
  /** When the first attempt is due: at acceptance, unless the request is delayed. `undefined` as `request` is. */
  readonly firstDueAt: number | undefined;
  /** The sequence of the newest message of the stream. Without an append, that is the request. */
  readonly version: number;
  /** When the next attempt of one of its invocations is due: the first one of a delayed request, or a retry. */
  readonly dueAt: number | undefined;
  /** When the earliest waiting invocation becomes too old. */
  readonly endsAt: number | undefined;
  /** Whether an attempt runs, or an outcome has deliveries that did not start. Both need more than the wake of a worker. */
  readonly isInProgress: boolean;
  /** The sequence of the latest wake since the last append. */
  readonly wake: number | undefined;
  /** When the next try of one of its deliveries is due. */
  readonly deliverAt: number | undefined;
  /** Whether all its invocations that are not over wait for rows, so that nothing but its age makes it due. */
  readonly isWaiting: boolean;
  /** When the scheduler inspects the stream next; infinite while an inspection is in progress. */
  readonly checkAt: number;
  /** How often the stream was inspected, or hinted at, since its last append. */
  readonly inspections: number;
  readonly row: number;
  /** The number of the record. A stream that is opened again has another one. */
  readonly record: number;
};

/**
 * The records of the open streams. A backlog has half a million, so each fact is a column of numbers (docs/performance.md H19).
 *
 * A row means nothing after its stream was removed. Code that waits keeps an `OpenStream`, and asks with `rowOf` whether the record exists.
 */
export class StreamRecords {
  readonly #table = new StreamTable();
  readonly #record = new NumberColumn();
  #added = 0;
  readonly request = new NumberColumn();
  /** The size of the payload of the request, in bytes; `undefined` as `request` is. */
  readonly requestBytes = new NumberColumn();
  readonly firstDueAt = new NumberColumn();
  readonly version = new NumberColumn();
  readonly dueAt = new NumberColumn();
  readonly endsAt = new NumberColumn();
  /** 1 or `undefined`. */
  readonly inProgress = new NumberColumn();
  readonly wake = new NumberColumn();
  readonly deliverAt = new NumberColumn();
  /** 1 while a stream of several requests has one without a place (`unsorted-streams.ts`). */
  readonly unsorted = new NumberColumn();
  /** The number of the text that says for what the stream waits (`waiting-streams.ts`). */
  readonly waits = new NumberColumn();
  /** 1 or `undefined`. */
  readonly waiting = new NumberColumn();
  readonly checkAt = new NumberColumn();
  readonly inspections = new NumberColumn();
  /** The time of the only entry of the stream that counts among the due times. */
  readonly queuedAt = new NumberColumn();
  /** The hash of the last append that counts, in its short form; `undefined` before it, and when an earlier Sequent wrote it. */
  readonly heads = new ValueColumn<string>();
  readonly #columns: readonly Column[] = [this.#record, ...Object.values(this).filter(isColumn)];

  get size(): number {
    return this.#table.size;
  }

  /** The row of the stream that was added first; `undefined` when none is open. */
  get first(): number | undefined {
    return rowOrNone(this.#table.first);
  }

  find(name: StreamName): number | undefined {
    return rowOrNone(this.#table.find(name));
  }

  /** The streams with an id, of any function. */
  findAll(stream: StreamId): OpenStream[] {
    return [...this.#table.findAll(stream)].map((row) => this.read(row));
  }

  add(name: StreamName, version: number): number {
    const row = this.#table.add(name);
    this.#record.set(row, ++this.#added);
    this.version.set(row, version);
    return row;
  }

  remove(row: number): void {
    const hasStartedAnew = this.#table.remove(row);
    for (const column of this.#columns) {
      if (hasStartedAnew) column.clear();
      else column.set(row, undefined);
    }
  }

  /** The row of a stream, unless it was removed since it was read. */
  rowOf({ row, record }: OpenStream): number | undefined {
    return this.#record.get(row) === record ? row : undefined;
  }

  read(row: number): OpenStream {
    return {
      name: this.#table.nameOf(row),
      request: this.request.get(row),
      firstDueAt: this.firstDueAt.get(row),
      version: this.version.get(row) ?? 0,
      dueAt: this.dueAt.get(row),
      endsAt: this.endsAt.get(row),
      isInProgress: this.inProgress.get(row) === 1,
      wake: this.wake.get(row),
      deliverAt: this.deliverAt.get(row),
      isWaiting: this.waiting.get(row) === 1,
      checkAt: this.checkAt.get(row) ?? Number.POSITIVE_INFINITY,
      inspections: this.inspections.get(row) ?? 0,
      row,
      record: this.#record.get(row) ?? 0,
    };
  }

  /** The rows of the streams of a function. The records must not change meanwhile. */
  rowsOf(fn: FunctionName): Iterable<number> {
    return this.#table.rowsOf(fn);
  }

  *values(): Iterable<OpenStream> {
    for (const row of this.#table) yield this.read(row);
  }
}

function rowOrNone(row: number): number | undefined {
  return row === NO_ROW ? undefined : row;
}
