import { holdsSealed, isSealed, replaceSealed } from '#src/core/encryption/sealed-text.ts';
import type { Changes } from '#src/projection/fold/fold.ts';
import {
  deliveryRowsOf,
  errorOf,
  isPlain,
  type ProjectedInvocation,
  rareColumns,
  tallyOfProjected,
  type WriteColumns,
  writerOf,
} from '#src/projection/fold/projected-invocation.ts';
import { Tallies } from '#src/projection/stats/tallies.ts';
import { type InvocationColumn, invocationColumns, MAX_INDEXED } from './schema.ts';
import type { Database, Statement, Value } from './sqlite.ts';

/** Returns a function that writes the rows of the changes. Call that function in a transaction. */
export function prepareRowWriter(database: Database): (changes: Changes) => void {
  const appendRows = createInserter(database, 'INSERT INTO appends', 7);
  const problemRows = createInserter(database, 'INSERT OR REPLACE INTO problems', 6);
  const remove = database.prepare('DELETE FROM invocations WHERE seq = ?');
  const putClock = database.prepare(
    'INSERT INTO clock VALUES (?, ?, ?) ON CONFLICT(bucket) DO UPDATE SET first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)',
  );
  const putFigure = database.prepare(
    'INSERT INTO figures VALUES (?, ?, ?) ON CONFLICT(name, function) DO UPDATE SET value = value + excluded.value',
  );
  const putStored = database.prepare(
    'INSERT INTO stored VALUES (?, ?, ?) ON CONFLICT(project, part) DO UPDATE SET bytes = bytes + excluded.bytes',
  );
  const tallies = new Tallies(database);
  const putInvocations = prepareInvocationWriter(database, tallies);

  return ({ appends, invocations, problems, removed, clock, figures, stored }) => {
    // Sorted in the order of the table, nearly all rows are added at its end.
    for (const row of appends.sort(byStream)) appendRows.add(row);
    appendRows.flush();
    for (const { seq, tallied } of removed) {
      remove.run([seq]);
      tallies.add(tallied, -1);
    }
    putInvocations(invocations);
    tallies.flush();
    for (const { sequence, factIndex, at, kind, invocation, why } of problems)
      problemRows.add([sequence, factIndex, at, kind, invocation, why]);
    problemRows.flush();
    for (const [bucket, { first, last }] of clock) putClock.run([bucket, first, last]);
    for (const figure of figures) putFigure.run(figure);
    for (const bytes of stored) putStored.run(bytes);
  };
}

function byStream(one: readonly Value[], other: readonly Value[]): number {
  return (one[0] as number) - (other[0] as number) || (one[1] as number) - (other[1] as number);
}

function prepareInvocationWriter(database: Database, tallies: Tallies): (invocations: readonly ProjectedInvocation[]) => void {
  const invocationRows = new InvocationRows(database);
  const deliveryRows = createInserter(database, 'INSERT OR REPLACE INTO deliveries', 8);
  const payloadRows = createInserter(database, 'INSERT INTO payload_words(rowid, text)', 2);
  const putErrors = prepareErrors(database);

  return (invocations) => {
    const errors: ChangedError[] = [];
    for (const projected of invocations) {
      const error = errorOf(projected);
      const { seq, isStored, storedError } = projected;
      const indexed = indexedPayloadOf(projected);
      if (indexed !== '') payloadRows.add([seq, indexed]);
      invocationRows.put(projected, error);
      if (error !== storedError) errors.push({ seq, error, isStored });
      for (const delivery of deliveryRowsOf(projected)) deliveryRows.add(delivery);
      count(projected, tallies);
      markStored(projected, error);
    }
    putErrors(errors);
    invocationRows.flush();
    payloadRows.flush();
    deliveryRows.flush();
  };
}

/** A sealed text has no words to find, and a stored payload is indexed. */
function indexedPayloadOf({ isStored, payload }: ProjectedInvocation): string {
  return isStored || isSealed(payload) ? '' : payload.slice(0, MAX_INDEXED);
}

function wordsOf(error: string): string {
  return holdsSealed(error) ? replaceSealed(error, () => '') : error;
}

function count(projected: ProjectedInvocation, tallies: Tallies): void {
  tallies.add(projected.tallied, -1);
  projected.tallied = tallyOfProjected(projected, tallies);
  tallies.add(projected.tallied, 1);
}

function markStored(projected: ProjectedInvocation, error: string | null): void {
  projected.isDirty = false;
  projected.isStored = true;
  projected.storedError = error;
  // The payload is needed once, for the index of its words.
  projected.payload = '';
}

/** `isStored`: the index may hold an earlier error of the invocation. */
type ChangedError = { seq: number; error: string | null; isStored: boolean };

function prepareErrors(database: Database): (errors: ChangedError[]) => void {
  const rows = createInserter(database, 'INSERT INTO error_words(rowid, text)', 2);
  const remove = database.prepare('DELETE FROM error_words WHERE rowid = ?');
  return (errors) => {
    // FTS5 writes the collected rows when a rowid is smaller than the one before it.
    errors.sort((one, other) => one.seq - other.seq);
    for (const { seq, isStored } of errors) if (isStored) remove.run([seq]);
    for (const { seq, error } of errors) if (error !== null) rows.add([seq, wordsOf(error)]);
    rows.flush();
  };
}

/** The columns that can change after acceptance. An update leaves the indexes of all other columns as they are. */
const changingColumns = invocationColumns
  .slice(invocationColumns.indexOf('state'))
  .filter((column) => !['accepted_at', 'first_due_at', 'root', 'parent', 'hop', 'redrive_of', 'batch', 'opened_batch'].includes(column));

const isCommon = (column: InvocationColumn): boolean => !rareColumns.includes(column);

/** Writes some columns of rows. The others are null. */
class ColumnRows {
  readonly #added: Inserter;
  readonly #writeAdded: WriteColumns;
  readonly #update: Statement;
  readonly #writeUpdated: WriteColumns;
  readonly #updated: Value[];

  constructor(database: Database, isWritten: (column: InvocationColumn) => boolean) {
    const columns = invocationColumns.filter(isWritten);
    const changing = changingColumns.filter(isWritten);
    this.#added = createInserter(database, `INSERT INTO invocations(${columns.join(', ')})`, columns.length);
    this.#writeAdded = writerOf(columns);
    this.#update = database.prepare(`UPDATE invocations SET ${changing.map((column) => `${column} = ?`).join(', ')} WHERE seq = ?`);
    this.#writeUpdated = writerOf([...changing, 'seq']);
    this.#updated = Array(changing.length + 1).fill(null);
  }

  add(projected: ProjectedInvocation, error: string | null): void {
    this.#writeAdded(projected, error, this.#added.values, this.#added.next());
  }

  update(projected: ProjectedInvocation, error: string | null): void {
    this.#writeUpdated(projected, error, this.#updated, 0);
    this.#update.run(this.#updated);
  }

  flush(): void {
    this.#added.flush();
  }
}

/** The rows of `invocations`. Most have no value in the rare columns: half of the values to bind, and fewer indexes to change. */
class InvocationRows {
  readonly #whole: ColumnRows;
  readonly #plain: ColumnRows;

  constructor(database: Database) {
    this.#whole = new ColumnRows(database, () => true);
    this.#plain = new ColumnRows(database, isCommon);
  }

  put(projected: ProjectedInvocation, error: string | null): void {
    const wasPlain = !projected.isStored || projected.isStoredPlain;
    projected.isStoredPlain = isPlain(projected, error);
    const isPlainBoth = wasPlain && projected.isStoredPlain;
    const rows = isPlainBoth ? this.#plain : this.#whole;
    if (projected.isStored) return rows.update(projected, error);
    // Rows are added at the end of the table, in their order.
    (isPlainBoth ? this.#whole : this.#plain).flush();
    rows.add(projected, error);
  }

  flush(): void {
    this.#whole.flush();
    this.#plain.flush();
  }
}

/** Inserts rows into one table, many by one statement, because a call costs more than a row. Call `flush` after the last row. */
interface Inserter {
  /** The values of the rows that are not inserted yet. */
  readonly values: Value[];
  /** The index in `values` from which on the caller writes the next row. */
  next(): number;
  add(row: readonly Value[]): void;
  /** Inserts the rows that are not inserted yet. */
  flush(): void;
}

/** The numbers of rows for which there is a statement. */
const SIZES = [64, 8, 1] as const;

/** `head` is the statement up to `VALUES`. */
function createInserter(database: Database, head: string, columns: number): Inserter {
  return new StatementInserter(database, head, columns);
}

class StatementInserter implements Inserter {
  readonly values: Value[];
  readonly #columns: number;
  readonly #statements: readonly { length: number; statement: Statement }[];
  #filled = 0;

  constructor(database: Database, head: string, columns: number) {
    const row = `(${Array(columns).fill('?').join(',')})`;
    this.values = Array(SIZES[0] * columns).fill(null);
    this.#columns = columns;
    this.#statements = SIZES.map((size) => ({
      length: size * columns,
      statement: database.prepare(`${head} VALUES ${Array(size).fill(row).join(',')}`),
    }));
  }

  next(): number {
    if (this.#filled === this.values.length) this.#insert();
    const at = this.#filled;
    this.#filled += this.#columns;
    return at;
  }

  add(row: readonly Value[]): void {
    const at = this.next();
    for (let index = 0; index < this.#columns; index++) this.values[at + index] = row[index] ?? null;
  }

  flush(): void {
    if (this.#filled === 0) return;
    this.#insert();
    // Payloads are not kept until the next burst.
    this.values.fill(null);
  }

  #insert(): void {
    const { values } = this;
    let done = 0;
    for (const { length, statement } of this.#statements) {
      for (; this.#filled - done >= length; done += length) {
        statement.run(length === values.length ? values : values.slice(done, done + length));
      }
    }
    this.#filled = 0;
  }
}
