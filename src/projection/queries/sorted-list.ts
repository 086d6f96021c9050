import { InvalidInputError } from '#src/core/errors.ts';
import type { HistoryFilter, ListOrder } from '#src/core/history-questions.ts';
import { durationClassOf } from '#src/projection/fold/projected-invocation.ts';
import { countOf } from '#src/projection/stats/stats.ts';
import type { Row, Value } from '#src/projection/store/sqlite.ts';
import { distinctValues, type IndexScan, type Layer, planOf, stagePath, whereOf } from './plan.ts';

/*
 * Sorts invocations by their duration or by their attempts.
 *
 * 1. A filter that few invocations match is sorted as a whole.
 * 2. Otherwise the values of an index are read in their order, a stage for each value, until the page is full. Many invocations match, so few
 *    stages are read. A stage of durations holds a class of them, which is sorted.
 * 3. Equal values are in the order of acceptance, the newest first. Invocations without an outcome have no duration, and come last.
 */

type SortedOrder = Exclude<ListOrder, 'newest' | 'oldest'>;
type Key = { column: 'duration' | 'attempts'; isDescending: boolean };
const keys: Readonly<Record<SortedOrder, Key>> = {
  longest: { column: 'duration', isDescending: true },
  shortest: { column: 'duration', isDescending: false },
  'most-attempts': { column: 'attempts', isDescending: true },
  'fewest-attempts': { column: 'attempts', isDescending: false },
};

/** The most matches that are sorted as a whole. */
const MAX_SORTED = 10_000;

export type SortedQuery = { filter: HistoryFilter; order: SortedOrder; limit: number; cursor: string | undefined };
type Reading = { columns: string; maxSorted?: number };

/** The rows after the cursor, each with its `seq` first. One more than the limit shows that there is a next page. */
export function readSorted(
  layers: readonly Layer[],
  { filter, order, limit, cursor }: SortedQuery,
  { columns, maxSorted = MAX_SORTED }: Reading,
): { rows: Row[]; cursor: string | null } {
  const key = keys[order];
  const after = cursor === undefined ? undefined : parseCursor(cursor);
  const isSortedWhole = !countOf(layers, { ...filter, most: maxSorted }).isAtLeast;
  const stages = isSortedWhole ? [{ isOneValue: false, scans: planOf(layers, filter) }] : stagesOf(layers, { filter, key, after });
  const found: FoundRow[] = [];
  for (const { scans, isOneValue } of stages) {
    const rows = scans.flatMap((scan) => readStage(scan, { key, after, isOneValue, limit: limit + 1, columns }));
    found.push(...distinct(rows.sort(comparing(key))));
    if (found.length > limit) break;
  }
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return {
    rows: shown.map(({ row }) => row),
    cursor: found.length > limit && last !== undefined ? `${last.value ?? '-'}.${last.seq}` : null,
  };
}

type Position = { value: number | null; seq: number };
type FoundRow = Position & { row: Row };

function parseCursor(cursor: string): Position {
  const [, value, seq] = /^(\d+|-)\.(\d+)$/.exec(cursor) ?? [];
  if (value === undefined) throw new InvalidInputError({ field: 'cursor', problem: 'is not the cursor of a page in this order' });
  return { value: value === '-' ? null : Number(value), seq: Number(seq) };
}

type Stage = { scans: IndexScan[]; isOneValue: boolean };

/** A stage for each value of the index, in the order of the key. */
function* stagesOf(
  layers: readonly Layer[],
  { filter, key, after }: { filter: HistoryFilter; key: Key; after: Position | undefined },
): Iterable<Stage> {
  const { column, isDescending } = key;
  const index = column === 'duration' ? 'duration_class' : 'attempts';
  const all = { min: 0, max: Number.MAX_SAFE_INTEGER };
  const values = new Set(layers.flatMap(({ database }) => distinctValues(database, index, all).map(Number)));
  if (column === 'attempts') values.add(1);
  const start = after === undefined || after.value === null || column === 'attempts' ? after?.value : durationClassOf(after.value);
  const isReached = (value: number): boolean => start === undefined || (start !== null && (isDescending ? value <= start : value >= start));
  const sorted = [...values].filter(isReached).sort((one, other) => (isDescending ? other - one : one - other));
  for (const value of sorted) yield { scans: scansOf(value), isOneValue: column === 'attempts' };
  if (column === 'duration') yield { scans: scansOf(null), isOneValue: true };

  function scansOf(value: number | null): IndexScan[] {
    return planOf(layers, filter, { paths: [stagePath(index, value)] });
  }
}

type StageReading = { key: Key; after: Position | undefined; isOneValue: boolean; limit: number; columns: string };

function readStage(scan: IndexScan, { key, after, isOneValue, limit, columns }: StageReading): FoundRow[] {
  const { column, isDescending } = key;
  const { sql, values } = whereOf(scan);
  const beyond = after === undefined ? { sql: '1', values: [] } : beyondOf(key, after);
  const order = isOneValue ? 'i.seq DESC' : `+i.${column} IS NULL, +i.${column} ${isDescending ? 'DESC' : 'ASC'}, i.seq DESC`;
  // The index holds the sorted column, so the rows are read only for the sequences within the limit.
  return scan.database
    .prepare(
      `SELECT i.${column}, ${columns} FROM (SELECT i.seq AS found FROM ${scan.from} WHERE ${sql} AND ${beyond.sql} ORDER BY ${order} LIMIT ${limit}) CROSS JOIN invocations i ON i.seq = found`,
    )
    .all([...values, ...beyond.values])
    .map(([value, ...row]) => ({ value: value === null || value === undefined ? null : Number(value), seq: Number(row[0]), row }));
}

/** The rows behind a position. */
function beyondOf({ column, isDescending }: Key, { value, seq }: Position): { sql: string; values: Value[] } {
  if (value === null) return { sql: `+i.${column} IS NULL AND i.seq < ?`, values: [seq] };
  const beyond = `+i.${column} ${isDescending ? '<' : '>'} ? OR +i.${column} IS NULL`;
  return { sql: `(${beyond} OR (+i.${column} = ? AND i.seq < ?))`, values: [value, value, seq] };
}

function comparing({ isDescending }: Key): (one: FoundRow, other: FoundRow) => number {
  return (one, other) => {
    if (one.value === null || other.value === null) return Number(one.value === null) - Number(other.value === null) || other.seq - one.seq;
    return (isDescending ? other.value - one.value : one.value - other.value) || other.seq - one.seq;
  };
}

function distinct(sorted: readonly FoundRow[]): FoundRow[] {
  return sorted.filter(({ seq }, index) => seq !== sorted[index - 1]?.seq);
}
