import type { BatchSummary } from '#src/core/batch-questions.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import { splitName } from '#src/core/names/names.ts';
import type { Database } from './sqlite.ts';

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

/** The batches before a position in the index, the greatest first. Each costs one look-up. */
function* keysBefore(database: Database, { id, before }: { id: string | undefined; before: Key | undefined }): Generator<Key> {
  const range = id === undefined ? '' : 'AND i.batch = ?';
  const next = database.prepare(
    `SELECT i.batch, i.function FROM ${INDEX} WHERE i.batch IS NOT NULL AND (i.batch, i.function) < (?, ?) ${range} ORDER BY i.batch DESC, i.function DESC LIMIT 1`,
  );
  // No id and no name of a function contains this character.
  let position = before ?? { id: '\u{10ffff}', function: '' };
  for (;;) {
    const [batch, fn] = next.get([position.id, position.function, ...(id === undefined ? [] : [id])]) ?? [];
    if (batch === undefined) return;
    position = { id: String(batch), function: String(fn) };
    yield position;
  }
}

function prepareCount(database: Database): (key: Key) => BatchSummary {
  const groups = database.prepare(
    `SELECT i.status, i.state, count(*), min(i.seq), max(i.seq) FROM ${INDEX} WHERE i.batch = ? AND i.function = ? GROUP BY i.status, i.state`,
  );
  const acceptedAt = database.prepare('SELECT accepted_at FROM invocations WHERE seq = ?');
  return ({ id, function: fn }) => {
    const summary: BatchSummary = { id, function: fn, members: 0, byStatus: {}, byState: {}, firstAt: 0, lastAt: 0 };
    let [first, last] = [Number.POSITIVE_INFINITY, 0];
    for (const [status, state, found, min, max] of groups.all([id, fn])) {
      summary.members += Number(found);
      add(summary.byStatus, String(status), Number(found));
      add(summary.byState, String(state), Number(found));
      first = Math.min(first, Number(min));
      last = Math.max(last, Number(max));
    }
    const timeOf = (seq: number): number => Number(acceptedAt.get([seq])?.[0] ?? 0);
    return { ...summary, firstAt: timeOf(first), lastAt: timeOf(last) };
  };
}

function add(counts: Record<string, number>, key: string, count: number): void {
  counts[key] = (counts[key] ?? 0) + count;
}
