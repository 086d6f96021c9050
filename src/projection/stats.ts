import type { HistoryFilter, StatsRow } from '#src/core/history-questions.ts';
import { type Branch, type Layer, planOf, whereOf } from './plan.ts';
import type { Row, Value } from './sqlite.ts';

/**
 * Counts by state and condition, and percentiles of two times: from acceptance to outcome, and to the first attempt. Per function,
 * and per time bucket if asked.
 */
export function stats(
  layers: readonly Layer[],
  { bucketInMs, ...filter }: HistoryFilter & { bucketInMs?: number | undefined },
): StatsRow[] {
  const branches = planOf(layers, filter);
  const bucket = bucketInMs === undefined ? 'NULL' : `i.accepted_at - i.accepted_at % ${bucketInMs}`;
  // The words may stand in both texts of an invocation; `seq` tells that it is one.
  const counted = (columns: string, isMeant = '1'): Row[] =>
    countRows(branches, { columns: `i.function, ${bucket}, ${columns}`, isMeant, key: filter.text === undefined ? undefined : 'i.seq' });
  const rows = new Map<string, StatsRow>();
  for (const [fn, since, state, condition, n] of counted('i.state, i.condition')) {
    const row = rowFor(rows, fn, since);
    row.accepted += Number(n);
    add(row.byState, String(state), Number(n));
    if (condition !== null) add(row.byCondition, String(condition), Number(n));
  }
  const durations = histogramsOf(counted('i.duration', 'i.duration IS NOT NULL'));
  const waits = histogramsOf(counted('i.started_at - i.accepted_at', 'i.started_at IS NOT NULL'));
  for (const [key, row] of rows) {
    row.durationInMs = percentilesOf(durations.get(key));
    row.queueInMs = percentilesOf(waits.get(key));
  }
  return [...rows.values()].sort((one, other) => one.function.localeCompare(other.function, 'en') || (one.from ?? 0) - (other.from ?? 0));
}

type Counting = { columns: string; isMeant: string; key: string | undefined };

/** Groups of rows with how many they are, of each set of tables for itself. */
function countRows(branches: readonly Branch[], { columns, isMeant, key }: Counting): Row[] {
  const databases = [...new Set(branches.map(({ database }) => database))];
  const count = columns.split(', ').length;
  const groups = Array.from({ length: count }, (_, index) => index + 1).join(', ');
  return databases.flatMap((database) => {
    const parts = branches.filter((branch) => branch.database === database).map((branch) => ({ from: branch.from, ...whereOf(branch) }));
    const [only] = parts;
    const from = parts.map((part) => `SELECT ${key ?? 'i.seq'} AS seq FROM ${part.from} WHERE ${part.sql} AND ${isMeant}`);
    // One reading needs no list of what it found.
    const sql =
      only !== undefined && parts.length === 1
        ? `SELECT ${columns}, count(*) FROM ${only.from} WHERE ${only.sql} AND ${isMeant} GROUP BY ${groups}`
        : `SELECT ${columns}, count(*) FROM (${from.join(key === undefined ? ' UNION ALL ' : ' UNION ')}) f CROSS JOIN invocations i ON i.seq = f.seq GROUP BY ${groups}`;
    return database.prepare(sql).all(parts.flatMap(({ values }) => values));
  });
}

type Histogram = { value: number; count: number }[];

function histogramsOf(lengths: readonly Value[][]): Map<string, Histogram> {
  const found = new Map<string, Histogram>();
  for (const [fn, since, length, n] of lengths) {
    const key = bucketKeyOf(fn, since);
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
    let rest = Math.max(1, Math.ceil(total * share));
    for (const { value, count } of histogram) {
      rest -= count;
      if (rest <= 0) return value;
    }
    return histogram.at(-1)?.value ?? 0;
  };
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: histogram.at(-1)?.value ?? 0 };
}

function rowFor(rows: Map<string, StatsRow>, fn: Value | undefined, since: Value | undefined): StatsRow {
  const key = bucketKeyOf(fn, since);
  const known = rows.get(key);
  if (known !== undefined) return known;
  const row: StatsRow = {
    function: String(fn),
    from: since === null || since === undefined ? null : Number(since),
    accepted: 0,
    byState: {},
    byCondition: {},
    durationInMs: null,
    queueInMs: null,
  };
  rows.set(key, row);
  return row;
}

const bucketKeyOf = (fn: Value | undefined, since: Value | undefined): string => `${since ?? ''} ${fn}`;

function add(counts: Record<string, number>, key: string, count: number): void {
  counts[key] = (counts[key] ?? 0) + count;
}
