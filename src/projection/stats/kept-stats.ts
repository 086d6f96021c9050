import type { HistoryFilter } from '#src/core/history-questions.ts';
import type { Condition, Layer } from '#src/projection/queries/plan.ts';
import { isInProject } from '#src/projection/queries/projects.ts';
import type { Database, Row, Value } from '#src/projection/store/sqlite.ts';
import { HOUR_IN_MS } from './tallies.ts';

/*
 * Reads the statistics that the read model keeps (`tallies.ts`): those of whole hours, by function, project and version.
 *
 * The rows of the parts of hours at both ends of a time span are counted one by one. So are all rows for every other filter, for shorter buckets,
 * and at an earlier moment.
 */

/** Whole hours, from the first to the one before `until`. */
type Whole = { database: Database; from: number; until: number; filter: HistoryFilter };
export type Kept = Whole & { bucketInMs: number | undefined; isByVersion: boolean };
type Spans = { whole: Whole | undefined; rest: HistoryFilter[] };

const keptFilters: ReadonlySet<string> = new Set(['function', 'project', 'since', 'until']);

/** Splits a question into whole hours, whose counts are kept, and the rest of its time span. */
export function spansOf(layers: readonly Layer[], { bucketInMs, ...filter }: HistoryFilter & { bucketInMs?: number | undefined }): Spans {
  const [only] = layers;
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter;
  const from = Math.ceil(since / HOUR_IN_MS) * HOUR_IN_MS;
  const to = Math.floor(until / HOUR_IN_MS) * HOUR_IN_MS;
  const isKept =
    Object.entries(filter).every(([name, value]) => value === undefined || keptFilters.has(name)) && (bucketInMs ?? 0) % HOUR_IN_MS === 0;
  if (only === undefined || layers.length > 1 || only.condition !== undefined || !isKept || from >= to)
    return { whole: undefined, rest: [filter] };
  return {
    whole: { database: only.database, from, until: to, filter },
    rest: [...(since < from ? [{ ...filter, until: from }] : []), ...(to < until ? [{ ...filter, since: to }] : [])],
  };
}

/** Rows of function, bucket, version, state, condition, retries and their number. */
export function keptCounts(kept: Kept | undefined): Row[] {
  if (kept === undefined) return [];
  return read(kept, {
    table: 'stats_counts',
    columns: "i.state, nullif(i.condition, ''), i.retries",
    groups: 6,
    condition: { sql: '1', values: [] },
  });
}

/** Rows of function, bucket, version, length and their number. */
export function keptLengths(kept: Kept | undefined, kind: 'duration' | 'queue'): Row[] {
  if (kept === undefined) return [];
  return read(kept, { table: 'stats_lengths', columns: 'i.length', groups: 4, condition: { sql: 'i.kind = ?', values: [kind] } });
}

type Reading = { table: string; columns: string; groups: number; condition: Condition };

function read({ database, from, until, filter, bucketInMs, isByVersion }: Kept, { table, columns, groups, condition }: Reading): Row[] {
  const bucket = bucketInMs === undefined ? 'NULL' : `i.hour - i.hour % ${bucketInMs}`;
  const version = isByVersion ? "nullif(i.version, '')" : 'NULL';
  const conditions = [condition, ...hoursOf(from, until), ...functionsOf(filter)];
  const group = Array.from({ length: groups }, (_, index) => index + 1).join(', ');
  const where = conditions.map(({ sql }) => sql).join(' AND ');
  return database
    .prepare(`SELECT i.function, ${bucket}, ${version}, ${columns}, sum(i.n) FROM ${table} i WHERE ${where} GROUP BY ${group}`)
    .all(conditions.flatMap(({ values }): Value[] => values));
}

function hoursOf(from: number, until: number): Condition[] {
  return [
    ...(Number.isFinite(from) ? [{ sql: 'i.hour >= ?', values: [from] }] : []),
    ...(Number.isFinite(until) ? [{ sql: 'i.hour < ?', values: [until] }] : []),
  ];
}

function functionsOf({ function: fn, project }: HistoryFilter): Condition[] {
  return [
    ...(fn === undefined ? [] : [{ sql: 'i.function = ?', values: [fn] }]),
    ...(project === undefined ? [] : [isInProject('i.function', project)]),
  ];
}
