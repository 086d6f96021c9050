import { DEFAULT_PRIORITY } from '#src/core/functions/priority.ts';
import { type HistoryFilter, type Status, type states, wordsIn } from '#src/core/history-questions.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import { durationClassOf } from '#src/projection/fold/projected-invocation.ts';
import { CLOCK_BUCKET } from '#src/projection/store/schema.ts';
import type { Database, Value } from '#src/projection/store/sqlite.ts';
import { fewFunctionsOf, isInProject } from './projects.ts';

/*
 * Plans the index scans that answer a filter.
 *
 * 1. Every filter has an index that ends in `seq`. A page is read from the end of the index, so nothing is sorted.
 * 2. A filter of several values needs one scan per value. The results are merged.
 * 3. One filter selects the index. All other filters are conditions on the rows, with a unary plus that hides them from the planner.
 */

export type Condition = { sql: string; values: Value[] };

/** A set of tables. The condition selects the rows that count: for an earlier moment, the rows that have not changed since. */
export type Layer = { database: Database; condition?: Condition };

/** One scan of one index. The scans of a plan find each row once; scans for words may find a row twice. */
export type IndexScan = { database: Database; from: string; order: string; conditions: readonly Condition[] };

type PlanOptions = {
  /** Only rows below this `seq`, or above it. */
  below?: string | undefined;
  above?: string | undefined;
  /** Reads these paths instead of the ones that suit the filter. */
  paths?: readonly AccessPath[];
};

/** The scans that together find the filtered rows. */
export function planOf(layers: readonly Layer[], wanted: HistoryFilter, { below, above, paths }: PlanOptions = {}): IndexScan[] {
  const [first] = layers;
  const range = first === undefined ? undefined : rangeOf(first.database, wanted, { below, above });
  if (range === undefined) return [];
  return layers.flatMap(({ database, condition }) => {
    const { project, function: fn } = wanted;
    const functions = project === undefined || fn !== undefined ? undefined : fewFunctionsOf(database, project);
    if (functions?.length === 0) return [];
    const filter = { ...wanted, functions };
    const conditions = [range, ...(condition === undefined ? [] : [condition]), ...conditionsOf(filter)];
    return (paths ?? accessPathsOf(database, filter)).map(({ from, order, condition: own }) => ({
      database,
      from,
      order,
      conditions: own === undefined ? conditions : [own, ...conditions],
    }));
  });
}

export function whereOf({ conditions }: Pick<IndexScan, 'conditions'>): Condition {
  return { sql: conditions.map(({ sql }) => sql).join(' AND '), values: conditions.flatMap(({ values }) => values) };
}

type Filter = HistoryFilter & { functions?: readonly string[] | undefined };

/** The sequences that a cursor and a time span allow. Times are not in the order of sequences, so the exact times are checked too. */
function rangeOf(
  database: Database,
  { since, until }: HistoryFilter,
  { below, above }: Pick<PlanOptions, 'below' | 'above'>,
): Condition | undefined {
  const conditions: Condition[] = [{ sql: '1', values: [] }, ...bound('i.seq < ?', below), ...bound('i.seq > ?', above)];
  if (since !== undefined || until !== undefined) {
    const span = database
      .prepare('SELECT min(bucket), max(bucket) FROM clock WHERE last_at >= ? AND first_at < ?')
      .get([since ?? -9e15, until ?? 9e15]);
    if (span?.[0] === null || span === undefined) return undefined;
    const bounds = [Number(span[0]) * CLOCK_BUCKET * MAX_BATCH, (Number(span[1]) + 1) * CLOCK_BUCKET * MAX_BATCH];
    conditions.push({ sql: 'i.seq >= ? AND i.seq < ?', values: bounds });
    if (since !== undefined) conditions.push({ sql: 'i.accepted_at >= ?', values: [since] });
    if (until !== undefined) conditions.push({ sql: 'i.accepted_at < ?', values: [until] });
  }
  return whereOf({ conditions });
}

function bound(sql: string, value: string | number | undefined): Condition[] {
  return value === undefined ? [] : [{ sql, values: [Number(value)] }];
}

/** As `rankOf` counts them. */
const PRIORITY = `coalesce(i.priority, ${DEFAULT_PRIORITY})`;
const SINCE = 'coalesce(i.first_due_at, i.accepted_at)';

function conditionsOf(filter: Filter): Condition[] {
  const { project, functions, dueBefore, priority, minPriority, minAttempts, maxAttempts, minDurationInMs, maxDurationInMs } = filter;
  return [
    // A batch is an invocation only for who names it by its id.
    ...(filter.id === undefined ? [{ sql: '+i.opened_batch IS NULL', values: [] }] : []),
    ...(project === undefined || functions !== undefined ? [] : [isInProject('+i.function', project)]),
    ...equalitiesOf(filter).map(({ column, values }) => oneOf(column, values)),
    ...(filter.state === undefined ? [] : [oneOf('state', filter.state)]),
    ...(filter.status === undefined ? [] : [oneOf('status', filter.status)]),
    ...bound(`${PRIORITY} = ?`, priority),
    ...bound(`${PRIORITY} >= ?`, minPriority),
    ...orderOf(filter),
    ...bound('+i.attempts >= ?', minAttempts),
    ...bound('+i.attempts <= ?', maxAttempts),
    ...bound('+i.due_at < ?', dueBefore),
    ...bound('+i.duration >= ?', minDurationInMs),
    ...bound('+i.duration <= ?', maxDurationInMs),
  ];
}

/** The requests of one message and of one millisecond have the order of the log. */
function orderOf({ rankBelow, before }: Filter): Condition[] {
  const earlier = '+i.seq < (SELECT max(b.seq) FROM invocations b WHERE b.id = ? AND b.function = ?)';
  const named = before === undefined ? [] : [before.id, before.function];
  if (rankBelow === undefined) return before === undefined ? [] : [{ sql: earlier, values: named }];
  const { rank, agingInMs } = rankBelow;
  const ranks = `${SINCE} - ${PRIORITY} * ?`;
  if (before === undefined) return [{ sql: `${ranks} < ?`, values: [agingInMs, rank] }];
  return [{ sql: `(${ranks} < ? OR (${ranks} = ? AND ${earlier}))`, values: [agingInMs, rank, agingInMs, rank, ...named] }];
}

const oneOf = (column: string, values: readonly Value[]): Condition => ({
  sql: values.length === 1 ? `+i.${column} = ?` : `+i.${column} IN (${values.map(() => '?').join(',')})`,
  values: [...values],
});

type AccessPath = { from: string; order: string; condition?: Condition };

/** Selects the filter that usually leaves the fewest rows. A filter that most invocations match comes last. */
function accessPathsOf(database: Database, filter: Filter): AccessPath[] {
  const { text } = filter;
  if (text !== undefined) return ['payload_words', 'error_words'].map((table) => wordPath(table, text));
  const equalities = equalitiesOf(filter);
  const rare = equalities.find(({ isRare }) => isRare);
  if (rare !== undefined) return columnPaths(rare.column, rare.values);
  // Only a waiting invocation has a due time.
  const { status, state = filter.dueBefore === undefined ? undefined : (['queued', 'retrying'] as const) } = filter;
  const pairs = state === undefined && status === undefined ? undefined : statusAndStatesOf({ status, state });
  if (pairs?.some(isCommon) === false) return statusPaths(pairs);
  const attempts = attemptPaths(database, filter);
  if (attempts !== undefined) return attempts;
  const named = equalities.find(({ column }) => column === 'function');
  if (named !== undefined) return columnPaths(named.column, named.values);
  return durationPaths(database, filter) ?? (pairs === undefined ? [{ from: 'invocations i', order: 'i.seq' }] : statusPaths(pairs));
}

/** Most invocations have one attempt, so a range that includes one attempt is no useful path. */
function attemptPaths(database: Database, { minAttempts = 0, maxAttempts = Number.MAX_SAFE_INTEGER }: Filter): AccessPath[] | undefined {
  if (minAttempts <= 1 && maxAttempts >= 1) return undefined;
  return columnPaths('attempts', distinctValues(database, 'attempts', { min: minAttempts, max: maxAttempts }));
}

function durationPaths(database: Database, { minDurationInMs, maxDurationInMs }: Filter): AccessPath[] | undefined {
  if (minDurationInMs === undefined && maxDurationInMs === undefined) return undefined;
  const [min, max] = [minDurationInMs ?? 0, maxDurationInMs ?? Number.MAX_SAFE_INTEGER];
  // The index holds the duration too, so the first and the last class are filtered without reading rows.
  const exact = { sql: 'i.duration BETWEEN ? AND ?', values: [min, max] };
  const classes = distinctValues(database, 'duration_class', { min: durationClassOf(min), max: durationClassOf(max) });
  return columnPaths('duration_class', classes).map((path) => ({ ...path, condition: and(path.condition, exact) }));
}

type Equality = { column: string; values: readonly Value[]; isRare: boolean };

/** In the order of usefulness: from the column that usually leaves the fewest rows to the one that leaves the most. */
function equalitiesOf(filter: Filter): Equality[] {
  const among = (column: string, values: readonly Value[] | Value | undefined, isRare: boolean): Equality[] =>
    values === undefined ? [] : [{ column, values: [...new Set([values].flat())], isRare }];
  return [
    ...among('id', filter.id, true),
    ...among('parent', filter.parent, true),
    ...among('redrive_of', filter.redriveOf, true),
    ...among('batch', filter.batch, true),
    ...among('waits_key', filter.waitsKey, true),
    ...among('waits_pool', filter.waitsPool, true),
    ...among('waits_kind', filter.waitsKind, true),
    ...among('schedule', filter.schedule, true),
    ...among('root', filter.root, true),
    ...among('condition', filter.condition, true),
    ...among('qualifier', filter.qualifier, filter.qualifier !== 'latest'),
    ...among('version', filter.version, filter.version !== 'latest'),
    // Rows without a priority have the default priority.
    ...among('priority', filter.priority === DEFAULT_PRIORITY ? undefined : filter.priority, true),
    ...among('function', filter.function, false),
    ...among('function', filter.functions, false),
  ];
}

/** The conditions of partial indexes, which leave out the most common value. SQLite uses such an index only with its condition. */
const partialIndexes: Readonly<Record<string, string>> = {
  qualifier: "i.qualifier <> 'latest' AND ",
  version: "i.version <> 'latest' AND ",
  attempts: 'i.attempts <> 1 AND ',
  priority: `i.priority <> ${DEFAULT_PRIORITY} AND `,
};

function columnPaths(column: string, values: readonly Value[]): AccessPath[] {
  return values.map((value) => ({
    from: `invocations i INDEXED BY by_${column}`,
    order: 'i.seq',
    condition: { sql: `${partialIndexes[column] ?? ''}i.${column} = ?`, values: [value] },
  }));
}

function statusPaths(pairs: readonly StatusAndState[]): AccessPath[] {
  return pairs.map(({ status, state }) => ({
    from: 'invocations i INDEXED BY by_status',
    order: 'i.seq',
    condition: { sql: 'i.status = ? AND i.state = ?', values: [status, state] },
  }));
}

const and = (one: Condition | undefined, other: Condition): Condition =>
  whereOf({ conditions: one === undefined ? [other] : [one, other] });

/** The path to the rows with one number of attempts, or with one class of durations (null: no outcome). */
export function stagePath(column: 'attempts' | 'duration_class', value: number | null): AccessPath {
  const path = { from: `invocations i INDEXED BY by_${column}`, order: 'i.seq' };
  if (value === null) return { ...path, condition: { sql: `i.${column} IS NULL`, values: [] } };
  // Most invocations have one attempt, and no index holds them.
  if (column === 'attempts' && value === 1)
    return { from: 'invocations i', order: 'i.seq', condition: { sql: '+i.attempts = 1', values: [] } };
  return { ...path, condition: { sql: `${partialIndexes[column] ?? ''}i.${column} = ?`, values: [value] } };
}

/** The distinct values of a column within bounds. They are few, and each costs one look-up. */
export function distinctValues(database: Database, column: string, { min, max }: { min: number; max: number }): Value[] {
  const next = database.prepare(
    `SELECT min(i.${column}) FROM invocations i INDEXED BY by_${column} WHERE ${partialIndexes[column] ?? ''}i.${column} >= ? AND i.${column} <= ?`,
  );
  const values: Value[] = [];
  const nextFrom = (low: number): Value => next.get([low, max])?.[0] ?? null;
  for (let value = nextFrom(min); value !== null; value = nextFrom(Number(value) + 1)) values.push(value);
  return values;
}

function wordPath(table: string, text: string): AccessPath {
  const words = wordsIn(text);
  const isPrefix = text.trimEnd().endsWith('*');
  const query = words.map((word, index) => (isPrefix && index === words.length - 1 ? `"${word}"*` : `"${word}"`)).join(' AND ');
  return {
    from: `${table} w CROSS JOIN invocations i ON i.seq = w.rowid`,
    order: 'w.rowid',
    condition: { sql: `w.${table} MATCH ?`, values: [query] },
  };
}

/** A status with one of its states. One index serves both columns. */
type StatusAndState = { status: Status; state: (typeof states)[number] };

const statesOf: Readonly<Record<Status, readonly StatusAndState['state'][]>> = {
  WAIT: ['queued'],
  RUNNING: ['running', 'retrying'],
  SUCCESS: ['succeeded', 'notified'],
  FAIL: ['failed', 'notified'],
  DISCARD: ['failed', 'notified'],
};

/** Whether most invocations of the log have this pair. */
const isCommon = ({ status, state }: StatusAndState): boolean => status === 'SUCCESS' && state === 'notified';

/** The pairs that a filter allows. */
function statusAndStatesOf(filter: {
  state: readonly StatusAndState['state'][] | undefined;
  status: readonly Status[] | undefined;
}): StatusAndState[] {
  const pairs = Object.entries(statesOf).flatMap(([status, states]) =>
    states.map((state): StatusAndState => ({ status: status as Status, state })),
  );
  return pairs.filter(({ status, state }) => (filter.state?.includes(state) ?? true) && (filter.status?.includes(status) ?? true));
}
