import { holdsSealed, isSealed, replaceSealed } from '#src/core/encryption/sealed-text.ts';
import type { Changes } from '#src/projection/fold/fold.ts';
import {
  deliveryRowsOf,
  errorOf,
  type ProjectedInvocation,
  tallyOfProjected,
  writerOf,
} from '#src/projection/fold/projected-invocation.ts';
import { Tallies } from '#src/projection/stats/tallies.ts';
import { createInserter } from './row-inserter.ts';
import { invocationColumns, MAX_INDEXED } from './schema.ts';
import type { Database, Value } from './sqlite.ts';

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
  const invocationRows = createInserter(database, 'INSERT INTO invocations', invocationColumns.length);
  const deliveryRows = createInserter(database, 'INSERT OR REPLACE INTO deliveries', 8);
  const payloadRows = createInserter(database, 'INSERT INTO payload_words(rowid, text)', 2);
  const writeRow = writerOf(invocationColumns);
  const update = prepareUpdate(database);
  const putErrors = prepareErrors(database);

  const add = (projected: ProjectedInvocation, error: string | null): void => {
    const { seq, payload } = projected;
    writeRow(projected, error, invocationRows.values, invocationRows.next());
    if (payload !== '' && !isSealed(payload)) payloadRows.add([seq, payload.slice(0, MAX_INDEXED)]);
  };

  return (invocations) => {
    const errors: ChangedError[] = [];
    for (const projected of invocations) {
      const error = errorOf(projected);
      const { seq, isStored, storedError } = projected;
      if (isStored) update(projected, error);
      else add(projected, error);
      if (error !== storedError) errors.push({ seq, error, isStored });
      for (const delivery of deliveryRowsOf(projected)) deliveryRows.add(delivery);
      count(projected, tallies);
      markStored(projected, error);
    }
    putErrors(errors);
    for (const rows of [invocationRows, payloadRows, deliveryRows]) rows.flush();
  };
}

/** A sealed text has no words to find. */
function wordsOf(error: string): string {
  return holdsSealed(error) ? replaceSealed(error, () => '') : error;
}

function count(projected: ProjectedInvocation, tallies: Tallies): void {
  tallies.add(projected.tallied, -1);
  projected.tallied = tallyOfProjected(projected);
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

function prepareUpdate(database: Database): (projected: ProjectedInvocation, error: string | null) => void {
  const statement = database.prepare(`UPDATE invocations SET ${changingColumns.map((column) => `${column} = ?`).join(', ')} WHERE seq = ?`);
  const write = writerOf([...changingColumns, 'seq']);
  const values: Value[] = Array(changingColumns.length + 1).fill(null);
  return (projected, error) => {
    write(projected, error, values, 0);
    statement.run(values);
  };
}
