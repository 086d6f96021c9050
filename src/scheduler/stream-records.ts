import type { StreamName } from '#src/core/log/event-log.ts';
import type { StreamId } from '#src/core/names/names.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';
import { NO_SLOT, StreamTable } from './stream-table.ts';

/** A chunk has the numbers of 4,096 slots. */
const CHUNK_BITS = 12;
const IN_CHUNK = (1 << CHUNK_BITS) - 1;

/**
 * One number for each slot, or `undefined`.
 *
 * A chunk exists once a number in it is set. A column that few slots use therefore costs nothing, and growing copies nothing.
 */
class NumberColumn {
  #chunks: (Float64Array | undefined)[] = [];

  get(slot: number): number | undefined {
    const value = this.#chunks[slot >>> CHUNK_BITS]?.[slot & IN_CHUNK];
    // NaN stands for `undefined`.
    return value === undefined || Number.isNaN(value) ? undefined : value;
  }

  set(slot: number, value: number | undefined): void {
    let chunk = this.#chunks[slot >>> CHUNK_BITS];
    if (chunk === undefined) {
      if (value === undefined) return;
      chunk = new Float64Array(1 << CHUNK_BITS).fill(Number.NaN);
      this.#chunks[slot >>> CHUNK_BITS] = chunk;
    }
    chunk[slot & IN_CHUNK] = value ?? Number.NaN;
  }

  clear(): void {
    this.#chunks = [];
  }
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
  /** Whether all its invocations that are not over wait for slots, so that nothing but its age makes it due. */
  readonly isWaiting: boolean;
  /** When the scheduler inspects the stream next; infinite while an inspection is in progress. */
  readonly checkAt: number;
  /** How often the stream was inspected, or hinted at, since its last append. */
  readonly inspections: number;
  readonly slot: number;
  /** The number of the record. A stream that is opened again has another one. */
  readonly record: number;
};

/**
 * The records of the open streams. A backlog has half a million, so each fact is a column of numbers (docs/performance.md H19).
 *
 * A slot means nothing after its stream was removed. Code that waits keeps an `OpenStream`, and asks with `slotOf` whether the record exists.
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
  /** 1 while a stream of several requests has one without a place (`unplaced-streams.ts`). */
  readonly unplaced = new NumberColumn();
  /** The number of the text that says for what the stream waits (`waiting-streams.ts`). */
  readonly waits = new NumberColumn();
  /** 1 or `undefined`. */
  readonly waiting = new NumberColumn();
  readonly checkAt = new NumberColumn();
  readonly inspections = new NumberColumn();
  /** The time of the only entry of the stream that counts among the due times. */
  readonly queuedAt = new NumberColumn();
  /** The hash of the last append that counts, in its short form; `undefined` before it, and when an earlier Sequent wrote it. */
  readonly heads = new PassingMap<number, string>();
  readonly #columns: readonly NumberColumn[] = [this.#record, ...Object.values(this).filter((value) => value instanceof NumberColumn)];

  get size(): number {
    return this.#table.size;
  }

  /** The slot of the stream that was added first; `undefined` when none is open. */
  get first(): number | undefined {
    return slotOrNone(this.#table.first);
  }

  find(name: StreamName): number | undefined {
    return slotOrNone(this.#table.find(name));
  }

  /** The streams with an id, of any function. */
  findAll(stream: StreamId): OpenStream[] {
    return [...this.#table.findAll(stream)].map((slot) => this.read(slot));
  }

  add(name: StreamName, version: number): number {
    const slot = this.#table.add(name);
    this.#record.set(slot, ++this.#added);
    this.version.set(slot, version);
    return slot;
  }

  remove(slot: number): void {
    this.heads.delete(slot);
    const hasStartedAnew = this.#table.remove(slot);
    for (const column of this.#columns) {
      if (hasStartedAnew) column.clear();
      else column.set(slot, undefined);
    }
  }

  /** The slot of a stream, unless it was removed since it was read. */
  slotOf({ slot, record }: OpenStream): number | undefined {
    return this.#record.get(slot) === record ? slot : undefined;
  }

  read(slot: number): OpenStream {
    return {
      name: this.#table.nameOf(slot),
      request: this.request.get(slot),
      firstDueAt: this.firstDueAt.get(slot),
      version: this.version.get(slot) ?? 0,
      dueAt: this.dueAt.get(slot),
      endsAt: this.endsAt.get(slot),
      isInProgress: this.inProgress.get(slot) === 1,
      wake: this.wake.get(slot),
      deliverAt: this.deliverAt.get(slot),
      isWaiting: this.waiting.get(slot) === 1,
      checkAt: this.checkAt.get(slot) ?? Number.POSITIVE_INFINITY,
      inspections: this.inspections.get(slot) ?? 0,
      slot,
      record: this.#record.get(slot) ?? 0,
    };
  }

  *values(): Iterable<OpenStream> {
    for (const slot of this.#table) yield this.read(slot);
  }
}

function slotOrNone(slot: number): number | undefined {
  return slot === NO_SLOT ? undefined : slot;
}
