import { InvalidInputError } from '#src/core/errors.ts';
import type { HistoryFilter, HistoryPage, InvocationSummary, ListOrder } from '#src/core/history-questions.ts';
import { columnsOf, type ProjectedInvocation } from '#src/projection/fold/projected-invocation.ts';
import type { InvocationColumn } from '#src/projection/store/schema.ts';
import type { Row } from '#src/projection/store/sqlite.ts';
import { type IndexScan, type Layer, planOf, whereOf } from './plan.ts';
import { readSorted } from './sorted-list.ts';

/** The fields of a summary, each with its column. */
const columnOf: Readonly<Record<Exclude<keyof InvocationSummary, 'payload'>, InvocationColumn>> = {
  id: 'id',
  function: 'function',
  qualifier: 'qualifier',
  version: 'version',
  state: 'state',
  status: 'status',
  condition: 'condition',
  acceptedAt: 'accepted_at',
  startedAt: 'started_at',
  endedAt: 'ended_at',
  notifiedAt: 'notified_at',
  firstDueAt: 'first_due_at',
  dueAt: 'due_at',
  waitsPool: 'waits_pool',
  waitsKey: 'waits_key',
  waitsSince: 'waits_since',
  waitsKind: 'waits_kind',
  priority: 'priority',
  durationInMs: 'duration',
  attempts: 'attempts',
  retries: 'retries',
  lost: 'lost',
  root: 'root',
  parent: 'parent',
  hop: 'hop',
  redriveOf: 'redrive_of',
  batch: 'batch',
  schedule: 'schedule',
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

type Page = { limit: number; cursor?: string | undefined; order?: ListOrder | undefined };

/** A page of invocations, the newest first unless another order is wanted. */
export function list(layers: readonly Layer[], query: HistoryFilter & Page): HistoryPage {
  const { rows, cursor } = listRows(layers, query);
  return { invocations: rows.map(toSummary), cursor };
}

/** The rows of a page, as {@link toSummary} converts them: the first value is the `seq`. */
export function listRows(
  layers: readonly Layer[],
  { limit, cursor, order = 'newest', ...filter }: HistoryFilter & Page,
): { rows: Row[]; cursor: string | null } {
  if (order !== 'newest' && order !== 'oldest') return readSorted(layers, { filter, order, limit, cursor }, { columns: summaryColumns });
  if (cursor?.includes('.') === true)
    throw new InvalidInputError({ field: 'cursor', problem: 'is not the cursor of a page in this order' });
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  const scans = planOf(layers, filter, order === 'newest' ? { below: cursor } : { above: cursor });
  const found = scans.flatMap((scan) => readRows(scan, limit + 1, direction));
  const sign = order === 'newest' ? -1 : 1;
  const rows = distinct(found.sort((one, other) => sign * (Number(one[0]) - Number(other[0]))));
  const shown = rows.slice(0, limit);
  return { rows: shown, cursor: rows.length > limit ? String(shown.at(-1)?.[0]) : null };
}

function readRows(scan: IndexScan, limit: number, direction: 'ASC' | 'DESC'): Row[] {
  const { sql, values } = whereOf(scan);
  return scan.database
    .prepare(`SELECT ${summaryColumns} FROM ${scan.from} WHERE ${sql} ORDER BY ${scan.order} ${direction} LIMIT ${limit}`)
    .all(values);
}

function distinct(sorted: readonly Row[]): Row[] {
  return sorted.filter((row, index) => row[0] !== sorted[index - 1]?.[0]);
}
