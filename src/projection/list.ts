import type { HistoryFilter, HistoryPage, InvocationSummary } from '#src/core/history-questions.ts';
import { type Branch, type Layer, planOf, whereOf } from './plan.ts';
import { columnsOf, type ProjectedInvocation } from './projected-invocation.ts';
import type { InvocationColumn } from './schema.ts';
import type { Row, Value } from './sqlite.ts';

/** What is told of an invocation, and the column that holds it. */
const told: Readonly<Record<keyof InvocationSummary, InvocationColumn>> = {
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
  errorCode: 'error_code',
  lastSequence: 'last_sequence',
};
const names = Object.keys(told);
const columns: readonly InvocationColumn[] = ['seq', ...Object.values(told)];
export const summaryColumns = columns.map((column) => `i.${column}`).join(', ');

/** The same of an invocation that was folded just now. */
export function summaryOf(member: ProjectedInvocation): InvocationSummary {
  return toSummary(columnsOf(member, columns));
}

/** A row of {@link summaryColumns}. They are written by the fold alone. */
export function toSummary([, ...row]: Row): InvocationSummary {
  return Object.fromEntries(names.map((name, place) => [name, row[place]])) as InvocationSummary;
}

type Page = { limit: number; cursor?: string | undefined };

/** The newest first, always. */
export function list(layers: readonly Layer[], { limit, cursor, ...asked }: HistoryFilter & Page): HistoryPage {
  const found = planOf(layers, asked, cursor).flatMap((branch) => read(branch, limit + 1));
  const rows = distinct(found.sort((one, other) => Number(other[0]) - Number(one[0])));
  const shown = rows.slice(0, limit);
  return { invocations: shown.map(toSummary), cursor: rows.length > limit ? String(shown.at(-1)?.[0]) : null };
}

/** How many `list` would find, counted up to a number. */
export function countOf(
  layers: readonly Layer[],
  { most, ...asked }: HistoryFilter & { most: number },
): { count: number; isAtLeast: boolean } {
  // The words may stand in both texts of an invocation.
  const seen = new Set<Value>();
  let count = 0;
  for (const branch of planOf(layers, asked)) {
    const { sql, values } = whereOf(branch);
    const limited = `FROM ${branch.from} WHERE ${sql} LIMIT ${most + 1}`;
    const { database } = branch;
    if (asked.text === undefined) count += Number(database.prepare(`SELECT count(*) FROM (SELECT 1 ${limited})`).get(values)?.[0]);
    else for (const [seq = null] of database.prepare(`SELECT i.seq ${limited}`).all(values)) seen.add(seq);
  }
  const all = count + seen.size;
  return { count: Math.min(all, most), isAtLeast: all > most };
}

function read(branch: Branch, limit: number): Row[] {
  const { sql, values } = whereOf(branch);
  return branch.database
    .prepare(`SELECT ${summaryColumns} FROM ${branch.from} WHERE ${sql} ORDER BY ${branch.order} DESC LIMIT ${limit}`)
    .all(values);
}

function distinct(sorted: readonly Row[]): Row[] {
  return sorted.filter((row, index) => row[0] !== sorted[index - 1]?.[0]);
}
