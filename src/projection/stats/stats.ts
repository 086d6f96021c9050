import type { HistoryFilter, StatsRow } from '#src/core/history-questions.ts';
import { type IndexScan, type Layer, planOf, whereOf } from '#src/projection/queries/plan.ts';
import type { Row, Value } from '#src/projection/store/sqlite.ts';
import { keptCounts, keptLengths, spansOf } from './kept-stats.ts';

const outcomes: ReadonlySet<string> = new Set(['succeeded', 'failed', 'notified']);

/**
 * Counts by state and by condition, and percentiles of two durations: from acceptance to the outcome, and to the first attempt. Those of a
 * delayed request begin when it is due.
 * One row per function, per time bucket if a bucket is given, and per version if asked for.
 */
export function stats(
  layers: readonly Layer[],
  { bucketInMs, by, ...filter }: HistoryFilter & { bucketInMs?: number | undefined; by?: 'version' | undefined },
): StatsRow[] {
  const { whole, rest } = spansOf(layers, { bucketInMs, ...filter });
  const scans = rest.map((span) => planOf(layers, span));
  const bucket = bucketInMs === undefined ? 'NULL' : `i.accepted_at - i.accepted_at % ${bucketInMs}`;
  const group = `i.function, ${bucket}, ${by === undefined ? 'NULL' : 'i.version'}`;
  // Words may occur in both texts of an invocation. `seq` as the key counts the invocation once.
  const counted = (columns: string, matches = '1'): Row[] =>
    scans.flatMap((scan) =>
      countRows(scan, { columns: `${group}, ${columns}`, matches, key: filter.text === undefined ? undefined : 'i.seq' }),
    );
  const kept = whole && { ...whole, bucketInMs, isByVersion: by !== undefined };
  const rows = new Map<string, StatsRow>();
  for (const [fn, since, version, state, condition, retries, n] of [...counted('i.state, i.condition, i.retries'), ...keptCounts(kept)]) {
    const row = rowFor(rows, [fn, since, version], by !== undefined);
    row.accepted += Number(n);
    addRetries(row, Number(retries), Number(n), isJudged(state, condition));
    add(row.byState, String(state), Number(n));
    if (condition !== null) add(row.byCondition, String(condition), Number(n));
  }
  const durations = histogramsOf([...counted('i.duration', 'i.duration IS NOT NULL'), ...keptLengths(kept, 'duration')]);
  const waits = histogramsOf([
    ...counted('i.started_at - coalesce(i.first_due_at,i.accepted_at)', 'i.started_at IS NOT NULL'),
    ...keptLengths(kept, 'queue'),
  ]);
  for (const [key, row] of rows) {
    row.durationInMs = percentilesOf(durations.get(key));
    row.queueInMs = percentilesOf(waits.get(key));
  }
  return [...rows.values()].sort(
    (one, other) =>
      one.function.localeCompare(other.function, 'en') ||
      (one.from ?? 0) - (other.from ?? 0) ||
      (one.version ?? '').localeCompare(other.version ?? '', 'en'),
  );
}

function addRetries(row: StatsRow, retries: number, count: number, isJudged: boolean): void {
  const retried = retries > 0 ? count : 0;
  row.retries = (row.retries ?? 0) + retries * count;
  row.retried = (row.retried ?? 0) + retried;
  row.retriedEnded = (row.retriedEnded ?? 0) + (isJudged ? retried : 0);
}

/** Whether a row says how the version did: it ended, and nobody cancelled it. */
function isJudged(state: Value | undefined, condition: Value | undefined): boolean {
  return outcomes.has(String(state)) && condition !== 'InvocationCanceled';
}

type Counting = { columns: string; matches: string; key: string | undefined };

/** The groups of rows with their counts, separately for each set of tables. */
function countRows(scans: readonly IndexScan[], { columns, matches, key }: Counting): Row[] {
  const databases = [...new Set(scans.map(({ database }) => database))];
  const count = columns.split(', ').length;
  const groups = Array.from({ length: count }, (_, index) => index + 1).join(', ');
  return databases.flatMap((database) => {
    const sources = scans.filter((scan) => scan.database === database).map((scan) => ({ from: scan.from, ...whereOf(scan) }));
    const [only] = sources;
    const from = sources.map((source) => `SELECT ${key ?? 'i.seq'} AS seq FROM ${source.from} WHERE ${source.sql} AND ${matches}`);
    // A single scan needs no union.
    const sql =
      only !== undefined && sources.length === 1
        ? `SELECT ${columns}, count(*) FROM ${only.from} WHERE ${only.sql} AND ${matches} GROUP BY ${groups}`
        : `SELECT ${columns}, count(*) FROM (${from.join(key === undefined ? ' UNION ALL ' : ' UNION ')}) f CROSS JOIN invocations i ON i.seq = f.seq GROUP BY ${groups}`;
    return database.prepare(sql).all(sources.flatMap(({ values }) => values));
  });
}

type Histogram = { value: number; count: number }[];

function histogramsOf(lengths: readonly Value[][]): Map<string, Histogram> {
  const found = new Map<string, Histogram>();
  for (const [fn, since, version, length, n] of lengths) {
    const key = keyOf([fn, since, version]);
    const histogram = found.get(key) ?? [];
    histogram.push({ value: Number(length), count: Number(n) });
    found.set(key, histogram);
  }
  for (const histogram of found.values()) histogram.sort((one, other) => one.value - other.value);
  return found;
}

function percentilesOf(histogram: Histogram | undefined): StatsRow['durationInMs'] {
  if (histogram === undefined) return null;
  const total = histogram.reduce((sum, { count }) => sum + count, 0);
  const at = (share: number): number => {
    let remaining = Math.max(1, Math.ceil(total * share));
    for (const { value, count } of histogram) {
      remaining -= count;
      if (remaining <= 0) return value;
    }
    return histogram.at(-1)?.value ?? 0;
  };
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: histogram.at(-1)?.value ?? 0 };
}

type Group = readonly [fn: Value | undefined, since: Value | undefined, version: Value | undefined];

function rowFor(rows: Map<string, StatsRow>, group: Group, isByVersion: boolean): StatsRow {
  const key = keyOf(group);
  const known = rows.get(key);
  if (known !== undefined) return known;
  const [fn, since, version] = group;
  const row: StatsRow = {
    function: String(fn),
    from: since === null || since === undefined ? null : Number(since),
    ...(isByVersion ? { version: version === null || version === undefined ? null : String(version) } : {}),
    accepted: 0,
    byState: {},
    byCondition: {},
    durationInMs: null,
    queueInMs: null,
  };
  rows.set(key, row);
  return row;
}

const keyOf = ([fn, since, version]: Group): string => `${since ?? ''} ${fn} ${version ?? ''}`;

function add(counts: Record<string, number>, key: string, count: number): void {
  counts[key] = (counts[key] ?? 0) + count;
}

/** Counts the invocations that match a filter, up to a maximum. */
export function countOf(
  layers: readonly Layer[],
  { most: max, ...filter }: HistoryFilter & { most: number },
): { count: number; isAtLeast: boolean } {
  // Words may occur in both texts of an invocation: in the payload and in the error.
  const seen = new Set<Value>();
  let count = 0;
  for (const scan of planOf(layers, filter)) {
    const { sql, values } = whereOf(scan);
    const limited = `FROM ${scan.from} WHERE ${sql} LIMIT ${max + 1}`;
    const { database } = scan;
    if (filter.text === undefined) count += Number(database.prepare(`SELECT count(*) FROM (SELECT 1 ${limited})`).get(values)?.[0]);
    else for (const [seq = null] of database.prepare(`SELECT i.seq ${limited}`).all(values)) seen.add(seq);
  }
  const found = count + seen.size;
  return { count: Math.min(found, max), isAtLeast: found > max };
}
