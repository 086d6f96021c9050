import type { BatchSummary } from '#src/core/batch-questions.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import { splitName } from '#src/core/names/names.ts';
import type { Database, Row, Value } from '#src/projection/store/sqlite.ts';

/*
 * Counts the members of batches.
 *
 * 1. A batch is named by its function and its id (ID1). A member is a row of `invocations`, so a repeated request counts once.
 * 2. The counts are read from an index alone, and no row is read: a batch of 100,000 members takes some 10 ms.
 * 3. Batches are listed in the order of their ids, the greatest first: ids that Sequent creates begin with the time.
 */

type Query = {
  id?: string | undefined;
  function?: string | undefined;
  project?: string | undefined;
  limit: number;
  cursor?: string | undefined;
};
type Key = { id: string; function: string };

/** The batches of other functions and projects that one page may skip. */
const MAX_SKIPPED = 10_000;

const INDEX = 'invocations i INDEXED BY by_batch_status';

/** A page of batches. The cursor continues behind the last batch that was read. */
export function readBatches(
  database: Database,
  { id, limit, cursor, ...wanted }: Query,
): { batches: BatchSummary[]; cursor: string | null } {
  const count = prepareCount(database);
  const batches: BatchSummary[] = [];
  let skipped = 0;
  for (const key of keysBefore(database, { id, before: cursor === undefined ? undefined : parseCursor(cursor) })) {
    if (isWanted(key, wanted)) batches.push(count(key));
    else skipped++;
    if (batches.length === limit || skipped === MAX_SKIPPED) return { batches, cursor: `${key.id}.${key.function}` };
  }
  return { batches, cursor: null };
}

function isWanted(key: Key, { function: fn, project }: Pick<Query, 'function' | 'project'>): boolean {
  return (fn === undefined || fn === key.function) && (project === undefined || project === projectOf(key));
}

const projectOf = ({ function: name }: Key): string => splitName(name).project ?? '';

function parseCursor(cursor: string): Key {
  const end = cursor.indexOf('.');
  if (end <= 0) throw new InvalidInputError({ field: 'cursor', problem: 'must be the cursor of an earlier page' });
  return { id: cursor.slice(0, end), function: cursor.slice(end + 1) };
}

/** The batches before a position, the greatest first: those with members, and those that were opened. Each costs two look-ups. */
function* keysBefore(database: Database, { id, before }: { id: string | undefined; before: Key | undefined }): Generator<Key> {
  const nexts = [prepareNext(database, 'batch', 'by_batch_status', id), prepareNext(database, 'opened_batch', 'by_opened_batch', id)];
  // No id and no name of a function contains this character.
  let position = before ?? { id: '\u{10ffff}', function: '' };
  for (;;) {
    const found = nexts.flatMap((next) => next(position) ?? []).sort((one, other) => (isBefore(one, other) ? 1 : -1));
    const [greatest] = found;
    if (greatest === undefined) return;
    position = greatest;
    yield position;
  }
}

function prepareNext(database: Database, column: string, index: string, id: string | undefined): (position: Key) => Key | undefined {
  const only = id === undefined ? '' : `AND i.${column} = ?`;
  const statement = database.prepare(
    `SELECT i.${column}, i.function FROM invocations i INDEXED BY ${index} WHERE i.${column} IS NOT NULL AND (i.${column}, i.function) < (?, ?) ${only} ORDER BY i.${column} DESC, i.function DESC LIMIT 1`,
  );
  return (position) => {
    const [batch, fn] = statement.get([position.id, position.function, ...(id === undefined ? [] : [id])]) ?? [];
    return batch === undefined ? undefined : { id: String(batch), function: String(fn) };
  };
}

/** In the order of SQLite, which compares bytes. The names are ASCII. */
function isBefore(one: Key, other: Key): boolean {
  return one.id === other.id ? one.function < other.function : one.id < other.id;
}

function prepareCount(database: Database): (key: Key) => BatchSummary {
  const groups = database.prepare(
    `SELECT i.status, i.state, count(*), min(i.seq), max(i.seq) FROM ${INDEX} WHERE i.batch = ? AND i.function = ? GROUP BY i.status, i.state`,
  );
  const acceptedAt = database.prepare('SELECT accepted_at FROM invocations WHERE seq = ?');
  const opening = database.prepare(
    'SELECT i.id, i.state, i.accepted_at, i.ended_at FROM invocations i INDEXED BY by_opened_batch WHERE i.opened_batch = ? AND i.function = ? ORDER BY i.seq DESC LIMIT 1',
  );
  return ({ id, function: fn }) => {
    const counts = { members: 0, byStatus: {}, byState: {} };
    let [first, last] = [Number.POSITIVE_INFINITY, 0];
    for (const [status, state, found, min, max] of groups.all([id, fn])) {
      counts.members += Number(found);
      add(counts.byStatus, String(status), Number(found));
      add(counts.byState, String(state), Number(found));
      first = Math.min(first, Number(min));
      last = Math.max(last, Number(max));
    }
    const timeOf = (seq: number): number | null => numberOf(acceptedAt.get([seq])?.[0]);
    return { id, function: fn, ...openingOf(opening.get([id, fn])), ...counts, firstAt: timeOf(first), lastAt: timeOf(last) };
  };
}

/** The states of a batch, by the states of its stream (`machines/batch.ts`). */
const stateOf: Readonly<Record<string, BatchSummary['state']>> = {
  queued: 'open',
  running: 'sealed',
  succeeded: 'completed',
  notified: 'notified',
};

type Opening = Pick<BatchSummary, 'state' | 'openedAs' | 'openedAt' | 'completedAt'>;

function openingOf(row: Row | undefined): Opening {
  if (row === undefined) return { state: 'unopened', openedAs: null, openedAt: null, completedAt: null };
  const [id, state, openedAt, completedAt] = row;
  return {
    state: stateOf[String(state)] ?? 'open',
    openedAs: String(id),
    openedAt: numberOf(openedAt),
    completedAt: numberOf(completedAt),
  };
}

function numberOf(value: Value | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function add(counts: Record<string, number>, key: string, count: number): void {
  counts[key] = (counts[key] ?? 0) + count;
}
