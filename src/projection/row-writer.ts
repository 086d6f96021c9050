import type { Changes } from './fold.ts';
import { deliveryRowsOf, errorOf, type ProjectedInvocation, rowOf } from './projected-invocation.ts';
import { invocationColumns, MAX_INDEXED } from './schema.ts';
import type { Database, Statement, Value } from './sqlite.ts';

/** Returns a function that writes the rows of the changes. Call that function in a transaction. */
export function prepareRowWriter(database: Database): (changes: Changes) => void {
  const addAppends = prepareInsert(database, 'INSERT INTO appends', 6);
  const addProblems = prepareInsert(database, 'INSERT OR REPLACE INTO problems', 6);
  const remove = database.prepare('DELETE FROM invocations WHERE seq = ?');
  const putClock = database.prepare(
    'INSERT INTO clock VALUES (?, ?, ?) ON CONFLICT(bucket) DO UPDATE SET first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)',
  );
  const putInvocations = prepareInvocationWriter(database);

  return ({ appends, invocations, problems, removed, clock }) => {
    // Sorted in the order of the table, nearly all rows are added at its end.
    addAppends(appends.sort(byStream));
    for (const seq of removed) remove.run([seq]);
    putInvocations(invocations);
    addProblems(problems.map(({ sequence, factIndex, at, kind, invocation, why }) => [sequence, factIndex, at, kind, invocation, why]));
    for (const [bucket, { first, last }] of clock) putClock.run([bucket, first, last]);
  };
}

function byStream(one: readonly Value[], other: readonly Value[]): number {
  return (one[0] as number) - (other[0] as number) || (one[1] as number) - (other[1] as number);
}

function prepareInvocationWriter(database: Database): (invocations: readonly ProjectedInvocation[]) => void {
  const addInvocations = prepareInsert(database, 'INSERT INTO invocations', invocationColumns.length);
  const putDeliveries = prepareInsert(database, 'INSERT OR REPLACE INTO deliveries', 8);
  const addPayloads = prepareInsert(database, 'INSERT INTO payload_words(rowid, text)', 2);
  const addErrors = prepareInsert(database, 'INSERT INTO error_words(rowid, text)', 2);
  const removeError = database.prepare('DELETE FROM error_words WHERE rowid = ?');
  const update = prepareUpdate(database);

  return (invocations) => {
    const { added, updated, payloads, errors, deliveries } = rowsOf(invocations);
    for (const row of updated) update(row);
    for (const { projected } of errors) if (projected.isStored) removeError.run([projected.seq]);
    addErrors(errors.flatMap(({ projected, error }) => (error === null ? [] : [[projected.seq, error]])));
    for (const projected of invocations) markStored(projected, errorOf(projected));
    addInvocations(added);
    addPayloads(payloads);
    putDeliveries(deliveries);
  };
}

type InvocationRows = {
  added: Value[][];
  updated: Value[][];
  payloads: Value[][];
  errors: { projected: ProjectedInvocation; error: string | null }[];
  deliveries: Value[][];
};

function rowsOf(invocations: readonly ProjectedInvocation[]): InvocationRows {
  const rows: InvocationRows = { added: [], updated: [], payloads: [], errors: [], deliveries: [] };
  for (const projected of invocations) {
    const error = errorOf(projected);
    const row = rowOf(projected, error);
    if (projected.isStored) rows.updated.push(row);
    else {
      rows.added.push(row);
      if (projected.payload !== '') rows.payloads.push([projected.seq, projected.payload.slice(0, MAX_INDEXED)]);
    }
    if (error !== projected.storedError) rows.errors.push({ projected, error });
    for (const delivery of deliveryRowsOf(projected)) rows.deliveries.push(delivery);
  }
  return rows;
}

function markStored(projected: ProjectedInvocation, error: string | null): void {
  projected.isDirty = false;
  projected.isStored = true;
  projected.storedError = error;
  // The payload is needed once, for the index of its words.
  projected.payload = '';
}

/** Many rows per statement, because a call costs more than a row. */
const ROWS_PER_STATEMENT = 64;

function prepareInsert(database: Database, head: string, columns: number): (rows: readonly (readonly Value[])[]) => void {
  const placeholders = `(${Array(columns).fill('?').join(',')})`;
  const one = database.prepare(`${head} VALUES ${placeholders}`);
  const many = database.prepare(`${head} VALUES ${Array(ROWS_PER_STATEMENT).fill(placeholders).join(',')}`);
  const values: Value[] = Array(ROWS_PER_STATEMENT * columns).fill(null);

  function insertMany(rows: readonly (readonly Value[])[], from: number): void {
    let filled = 0;
    for (let row = from; row < from + ROWS_PER_STATEMENT; row++) for (const value of rows[row] ?? []) values[filled++] = value;
    many.run(values);
  }

  return (rows) => {
    let index = 0;
    for (; index + ROWS_PER_STATEMENT <= rows.length; index += ROWS_PER_STATEMENT) insertMany(rows, index);
    for (; index < rows.length; index++) one.run(rows[index] ?? []);
  };
}

/** The columns that can change after acceptance. An update leaves the indexes of all other columns as they are. */
const changingColumns = invocationColumns
  .slice(invocationColumns.indexOf('state'))
  .filter((column) => !['accepted_at', 'root', 'parent', 'hop', 'redrive_of'].includes(column));
const changingIndexes = changingColumns.map((column) => invocationColumns.indexOf(column));

function prepareUpdate(database: Database): (row: readonly Value[]) => void {
  const statement: Statement = database.prepare(
    `UPDATE invocations SET ${changingColumns.map((column) => `${column} = ?`).join(', ')} WHERE seq = ?`,
  );
  return (row) => statement.run([...changingIndexes.map((index) => row[index] ?? null), row[0] ?? null]);
}
