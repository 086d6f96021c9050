import type { ParsedQueryOf, StatsRow } from '#src/core/history.ts';
import { PLACES } from './fold.ts';
import { isInProject } from './projects.ts';
import type { Database, Value } from './sqlite.ts';

/**
 * Counts by state and condition, and percentiles of two times: from acceptance to outcome, and to the first attempt. Per function,
 * and per time bucket if asked.
 */
export function stats(database: Database, query: ParsedQueryOf<'stats'>): StatsRow[] {
  const { sql, values } = scope(database, query);
  const bucket = query.bucketInMs === undefined ? 'NULL' : `accepted_at - accepted_at % ${query.bucketInMs}`;
  const counted = database
    .prepare(`SELECT function, ${bucket} AS since, state, condition, count(*) AS n FROM invocations WHERE ${sql} GROUP BY 1, 2, 3, 4`)
    .all(values);
  const histograms = (length: string): Map<string, Histogram> =>
    histogramsOf(
      database
        .prepare(
          `SELECT function, ${bucket} AS since, ${length} AS length, count(*) AS n FROM invocations WHERE ${sql} AND length IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
        )
        .all(values),
    );
  const rows = new Map<string, StatsRow>();
  for (const [fn, since, state, condition, n] of counted) {
    const row = rowFor(rows, fn, since);
    row.accepted += Number(n);
    add(row.byState, String(state), Number(n));
    if (condition !== null) add(row.byCondition, String(condition), Number(n));
  }
  const durations = histograms('duration');
  const waits = histograms('started_at - accepted_at');
  for (const [key, row] of rows) {
    row.durationInMs = percentilesOf(durations.get(key));
    row.queueInMs = percentilesOf(waits.get(key));
  }
  return [...rows.values()].sort((one, other) => one.function.localeCompare(other.function, 'en') || (one.from ?? 0) - (other.from ?? 0));
}

function scope(
  database: Database,
  { function: fn, project, qualifier, since, until }: ParsedQueryOf<'stats'>,
): { sql: string; values: Value[] } {
  const parts = ['1'];
  const values: Value[] = [];
  if (fn !== undefined) {
    parts.push('function = ?');
    values.push(fn);
  }
  if (project !== undefined) {
    const part = isInProject('function', project);
    parts.push(part.sql);
    values.push(...part.values);
  }
  if (qualifier !== undefined) {
    parts.push('+qualifier = ?');
    values.push(qualifier);
  }
  if (since !== undefined || until !== undefined) {
    const from = since ?? -9e15;
    const to = until ?? 9e15;
    const span = database.prepare('SELECT min(bucket), max(bucket) FROM clock WHERE last_at >= ? AND first_at < ?').get([from, to]);
    parts.push('seq >= ? AND seq < ? AND accepted_at >= ? AND accepted_at < ?');
    values.push(Number(span?.[0] ?? 0) * 1_024 * PLACES, (Number(span?.[1] ?? -1) + 1) * 1_024 * PLACES, from, to);
  }
  return { sql: parts.join(' AND '), values };
}

type Histogram = { value: number; count: number }[];

function histogramsOf(lengths: readonly Value[][]): Map<string, Histogram> {
  const found = new Map<string, Histogram>();
  for (const [fn, since, length, n] of lengths) {
    const key = keyOf(fn, since);
    const histogram = found.get(key) ?? [];
    histogram.push({ value: Number(length), count: Number(n) });
    found.set(key, histogram);
  }
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
  const key = keyOf(fn, since);
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

const keyOf = (fn: Value | undefined, since: Value | undefined): string => `${since ?? ''} ${fn}`;

function add(counts: Record<string, number>, key: string, count: number): void {
  counts[key] = (counts[key] ?? 0) + count;
}
