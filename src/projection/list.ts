import type { HistoryFilter, HistoryPage, InvocationSummary } from '#src/core/history-questions.ts';
import { type IndexScan, type Layer, planOf, whereOf } from './plan.ts';
import { columnsOf, type ProjectedInvocation } from './projected-invocation.ts';
import type { InvocationColumn } from './schema.ts';
import type { Row, Value } from './sqlite.ts';

/** The fields of a summary, each with its column. */
const columnOf: Readonly<Record<keyof InvocationSummary, InvocationColumn>> = {
  id: 'id',
  function: 'function',
  qualifier: 'qualifier',
  state: 'state',
  status: 'status',
  condition: 'condition',
  acceptedAt: 'accepted_at',
  startedAt: 'started_at',
  endedAt: 'ended_at',
  notifiedAt: 'notified_at',
  durationInMs: 'duration',
  attempts: 'attempts',
  retries: 'retries',
  lost: 'lost',
  root: 'root',
  parent: 'parent',
  hop: 'hop',
  redriveOf: 'redrive_of',
  error: 'error',
  errorType: 'error_type',
  errorCode: 'error_code',
  lastSequence: 'last_sequence',
};
const fields = Object.keys(columnOf);
const columns: readonly InvocationColumn[] = ['seq', ...Object.values(columnOf)];
export const summaryColumns = columns.map((column) => `i.${column}`).join(', ');

/** The summary of an invocation that is in memory. */
export function summaryOf(projected: ProjectedInvocation): InvocationSummary {
  return toSummary(columnsOf(projected, columns));
}

/** Converts a row of {@link summaryColumns}. Only the fold writes these rows, so they are not parsed. */
export function toSummary([, ...row]: Row): InvocationSummary {
  return Object.fromEntries(fields.map((field, index) => [field, row[index]])) as InvocationSummary;
}

type Page = { limit: number; cursor?: string | undefined };

/** A page of invocations, newest first. */
export function list(layers: readonly Layer[], { limit, cursor, ...filter }: HistoryFilter & Page): HistoryPage {
  const found = planOf(layers, filter, cursor).flatMap((scan) => readRows(scan, limit + 1));
  const rows = distinct(found.sort((one, other) => Number(other[0]) - Number(one[0])));
  const shown = rows.slice(0, limit);
  return { invocations: shown.map(toSummary), cursor: rows.length > limit ? String(shown.at(-1)?.[0]) : null };
}

/** Counts the invocations that `list` would return, up to a maximum. */
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

function readRows(scan: IndexScan, limit: number): Row[] {
  const { sql, values } = whereOf(scan);
  return scan.database
    .prepare(`SELECT ${summaryColumns} FROM ${scan.from} WHERE ${sql} ORDER BY ${scan.order} DESC LIMIT ${limit}`)
    .all(values);
}

function distinct(sorted: readonly Row[]): Row[] {
  return sorted.filter((row, index) => row[0] !== sorted[index - 1]?.[0]);
}
