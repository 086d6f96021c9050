import { type HistoryFilter, type HistoryPage, type InvocationSummary, wordsIn } from '#src/core/history.ts';
import { PLACES } from './fold.ts';
import { slownessOf } from './member.ts';
import { fewFunctionsOf, isInProject } from './projects.ts';
import type { Database, Row, Value } from './sqlite.ts';

/*
 * Listing: the newest first, always. Every filter has an index that ends in `seq`, so that a page is read from its end and nothing
 * is sorted; a filter of several values is one such reading for each, merged.
 */

export const summaryColumns =
  'i.seq, i.id, i.function, i.qualifier, i.state, i.status, i.condition, i.accepted_at, i.started_at, i.ended_at, i.notified_at, i.duration, i.attempts, i.retries, i.lost, i.root, i.parent, i.hop, i.redrive_of, i.error, i.error_code, i.last_sequence';

export function toSummary(row: Row): InvocationSummary {
  const [, id, fn, qualifier, state, status, condition, acceptedAt, startedAt, endedAt, notifiedAt, durationInMs, ...rest] = row;
  const [attempts, retries, lost, root, parent, hop, redriveOf, error, errorCode, lastSequence] = rest;
  // The columns are written by the fold alone.
  return {
    id,
    function: fn,
    qualifier,
    state,
    status,
    condition,
    acceptedAt,
    startedAt,
    endedAt,
    notifiedAt,
    durationInMs,
    attempts,
    retries,
    lost,
    root,
    parent,
    hop,
    redriveOf,
    error,
    errorCode,
    lastSequence,
  } as InvocationSummary;
}

type Part = { sql: string; values: Value[] };
type Page = { limit: number; cursor?: string | undefined };

type Filter = HistoryFilter & { functions?: readonly string[] | undefined };

export function list(database: Database, { limit, cursor, ...asked }: HistoryFilter & Page): HistoryPage {
  const { branches, conditions } = planOf(database, asked, cursor);
  const found = branches.flatMap((branch) => read(database, branch, conditions, limit + 1));
  const rows = distinct(found.sort((one, other) => Number(other[0]) - Number(one[0])));
  const shown = rows.slice(0, limit);
  return { invocations: shown.map(toSummary), cursor: rows.length > limit ? String(shown.at(-1)?.[0]) : null };
}

/** How many `list` would find, counted up to a number. */
export function countOf(database: Database, { most, ...asked }: HistoryFilter & { most: number }): { count: number; isAtLeast: boolean } {
  const { branches, conditions } = planOf(database, asked, undefined);
  // The words may stand in both texts of an invocation.
  const seen = new Set<Value>();
  let count = 0;
  for (const { from, condition } of branches) {
    const { sql, values } = whereOf(condition, conditions);
    const limited = `FROM ${from} WHERE ${sql} LIMIT ${most + 1}`;
    if (asked.text === undefined) count += Number(database.prepare(`SELECT count(*) FROM (SELECT 1 ${limited})`).get(values)?.[0]);
    else for (const [seq = null] of database.prepare(`SELECT i.seq ${limited}`).all(values)) seen.add(seq);
  }
  const all = count + seen.size;
  return { count: Math.min(all, most), isAtLeast: all > most };
}

type Plan = { branches: Branch[]; conditions: Part[] };

function planOf(database: Database, asked: HistoryFilter, cursor: string | undefined): Plan {
  const { project, function: fn } = asked;
  const functions = project === undefined || fn !== undefined ? undefined : fewFunctionsOf(database, project);
  const filter: Filter = { ...asked, functions };
  const range = rangeOf(database, filter, cursor);
  if (functions?.length === 0 || range === undefined) return { branches: [], conditions: [] };
  return { branches: branchesOf(database, filter), conditions: [range, ...conditionsOf(filter)] };
}

function whereOf(condition: Part | undefined, conditions: readonly Part[]): Part {
  const all = condition === undefined ? conditions : [condition, ...conditions];
  return { sql: all.map(({ sql }) => sql).join(' AND '), values: all.flatMap(({ values }) => values) };
}

type Branch = { from: string; order: string; condition?: Part };

function read(database: Database, { from, order, condition }: Branch, conditions: readonly Part[], limit: number): Row[] {
  const { sql, values } = whereOf(condition, conditions);
  return database.prepare(`SELECT ${summaryColumns} FROM ${from} WHERE ${sql} ORDER BY ${order} DESC LIMIT ${limit}`).all(values);
}

/** The sequences that a page and a span of time allow. Moments that are not in order are filtered afterwards. */
function rangeOf(database: Database, { since, until }: HistoryFilter, cursor: string | undefined): Part | undefined {
  const parts: string[] = [];
  const values: Value[] = [];
  const add = (sql: string, ...given: Value[]): void => {
    parts.push(sql);
    values.push(...given);
  };
  if (cursor !== undefined) add('i.seq < ?', Number(cursor));
  if (since !== undefined || until !== undefined) {
    const span = database
      .prepare('SELECT min(bucket), max(bucket) FROM clock WHERE last_at >= ? AND first_at < ?')
      .get([since ?? -9e15, until ?? 9e15]);
    if (span?.[0] === null || span === undefined) return undefined;
    add('i.seq >= ? AND i.seq < ?', Number(span[0]) * 1_024 * PLACES, (Number(span[1]) + 1) * 1_024 * PLACES);
    if (since !== undefined) add('i.accepted_at >= ?', since);
    if (until !== undefined) add('i.accepted_at < ?', until);
  }
  return { sql: parts.length === 0 ? '1' : parts.join(' AND '), values };
}

const oneOf = (column: string, values: readonly Value[]): Part => ({
  // The sign keeps the index of this column out of it: which one is used is decided below.
  sql: values.length === 1 ? `+i.${column} = ?` : `+i.${column} IN (${values.map(() => '?').join(',')})`,
  values: [...values],
});

function conditionsOf(filter: Filter): Part[] {
  const { minAttempts, minDurationInMs, project, functions } = filter;
  return [
    ...(project === undefined || functions !== undefined ? [] : [isInProject('+i.function', project)]),
    ...equalitiesOf(filter).map(({ column, values }) => oneOf(column, values)),
    ...(minAttempts === undefined ? [] : [{ sql: '+i.attempts >= ?', values: [minAttempts] }]),
    ...(minDurationInMs === undefined ? [] : [{ sql: '+i.duration >= ?', values: [minDurationInMs] }]),
  ];
}

/** Rows of these values are so many that the index leaves them out. */
const left: Readonly<Record<string, string>> = { qualifier: "i.qualifier <> 'latest' AND ", attempts: 'i.attempts > 1 AND ' };

type Equality = { column: string; values: readonly Value[]; isCommon: boolean };

/** From the filter that usually leaves least to the one that leaves most. */
function equalitiesOf(filter: Filter): Equality[] {
  const one = (column: string, value: string | undefined, isCommon = false): Equality[] =>
    value === undefined ? [] : [{ column, values: [value], isCommon }];
  const several = (column: string, values: readonly string[] | undefined, common?: string): Equality[] =>
    values === undefined ? [] : [{ column, values: [...new Set(values)], isCommon: common !== undefined && values.includes(common) }];
  return [
    ...one('parent', filter.parent),
    ...one('redrive_of', filter.redriveOf),
    ...one('root', filter.root),
    ...several('condition', filter.condition),
    ...one('qualifier', filter.qualifier, filter.qualifier === 'latest'),
    ...several('state', filter.state, 'notified'),
    ...several('status', filter.status, 'SUCCESS'),
    ...one('function', filter.function),
    ...several('function', filter.functions),
  ];
}

function branchesOf(database: Database, filter: Filter): Branch[] {
  const { text, minAttempts = 0, minDurationInMs } = filter;
  if (text !== undefined) return ['payload_words', 'error_words'].map((table) => wordBranch(table, text));
  const equalities = equalitiesOf(filter);
  const best = equalities.find(({ isCommon }) => !isCommon);
  if (best !== undefined) return branchesFor(best.column, best.values);
  if (minAttempts > 1) return branchesFor('attempts', distinctFrom(database, 'attempts', minAttempts));
  if (minDurationInMs !== undefined) {
    const slow = branchesFor('slow', distinctFrom(database, 'slow', slownessOf(minDurationInMs)));
    // The index holds the duration too: what is too short in the first class is passed over without its row.
    return slow.map((branch) => ({ ...branch, condition: and(branch.condition, { sql: 'i.duration >= ?', values: [minDurationInMs] }) }));
  }
  const [common] = equalities;
  return common === undefined || common.column === 'qualifier'
    ? [{ from: 'invocations i', order: 'i.seq' }]
    : branchesFor(common.column, common.values);
}

function branchesFor(column: string, values: readonly Value[]): Branch[] {
  return values.map((value) => ({
    from: `invocations i INDEXED BY by_${column}`,
    order: 'i.seq',
    condition: { sql: `${left[column] ?? ''}i.${column} = ?`, values: [value] },
  }));
}

const and = (one: Part | undefined, other: Part): Part =>
  one === undefined ? other : { sql: `${one.sql} AND ${other.sql}`, values: [...one.values, ...other.values] };

/** The values of a column from one on: few, found one after the other. */
function distinctFrom(database: Database, column: string, least: number): Value[] {
  const next = database.prepare(
    `SELECT min(i.${column}) FROM invocations i INDEXED BY by_${column} WHERE ${left[column] ?? ''}i.${column} >= ?`,
  );
  const values: Value[] = [];
  for (let value = next.get([least])?.[0] ?? null; value !== null; value = next.get([Number(value) + 1])?.[0] ?? null) values.push(value);
  return values;
}

function wordBranch(table: string, text: string): Branch {
  const words = wordsIn(text);
  const isBeginning = text.trimEnd().endsWith('*');
  const query = words.map((word, index) => (isBeginning && index === words.length - 1 ? `"${word}"*` : `"${word}"`)).join(' AND ');
  return {
    from: `${table} w CROSS JOIN invocations i ON i.seq = w.rowid`,
    order: 'w.rowid',
    condition: { sql: `w.${table} MATCH ?`, values: [query] },
  };
}

function distinct(sorted: readonly Row[]): Row[] {
  return sorted.filter((row, index) => row[0] !== sorted[index - 1]?.[0]);
}
