import { type HistoryFilter, type Status, type states, wordsIn } from '#src/core/history-questions.ts';
import { PLACES } from './fold.ts';
import { durationClassOf } from './projected-invocation.ts';
import { fewFunctionsOf, isInProject } from './projects.ts';
import { CLOCK_BUCKET } from './schema.ts';
import type { Database, Value } from './sqlite.ts';

/*
 * How a filter is answered. Every filter has an index that ends in `seq`, so that a page is read from its end and nothing is sorted;
 * a filter of several values is one such reading for each, merged.
 */

export type Part = { sql: string; values: Value[] };

/** Tables that are read, and which of their rows count: of the present all, of an earlier moment those that were as they are. */
export type Layer = { database: Database; condition?: Part };

/** One reading of one index. What the readings of a plan find is all that is meant; only with words twice. */
export type Branch = { database: Database; from: string; order: string; conditions: readonly Part[] };

/** The readings that together find what is asked for, below a cursor if one is given. */
export function planOf(layers: readonly Layer[], asked: HistoryFilter, cursor?: string): Branch[] {
  const [first] = layers;
  const range = first === undefined ? undefined : rangeOf(first.database, asked, cursor);
  if (range === undefined) return [];
  return layers.flatMap(({ database, condition }) => {
    const { project, function: fn } = asked;
    const functions = project === undefined || fn !== undefined ? undefined : fewFunctionsOf(database, project);
    if (functions?.length === 0) return [];
    const filter = { ...asked, functions };
    const conditions = [range, ...(condition === undefined ? [] : [condition]), ...conditionsOf(filter)];
    return readingsOf(database, filter).map(({ from, order, condition: own }) => ({
      database,
      from,
      order,
      conditions: own === undefined ? conditions : [own, ...conditions],
    }));
  });
}

export function whereOf({ conditions }: Pick<Branch, 'conditions'>): Part {
  return { sql: conditions.map(({ sql }) => sql).join(' AND '), values: conditions.flatMap(({ values }) => values) };
}

type Filter = HistoryFilter & { functions?: readonly string[] | undefined };

/** The sequences that a page and a span of time allow. Moments that are not in order are filtered afterwards. */
function rangeOf(database: Database, { since, until }: HistoryFilter, cursor: string | undefined): Part | undefined {
  const parts: Part[] = [{ sql: '1', values: [] }];
  if (cursor !== undefined) parts.push({ sql: 'i.seq < ?', values: [Number(cursor)] });
  if (since !== undefined || until !== undefined) {
    const span = database
      .prepare('SELECT min(bucket), max(bucket) FROM clock WHERE last_at >= ? AND first_at < ?')
      .get([since ?? -9e15, until ?? 9e15]);
    if (span?.[0] === null || span === undefined) return undefined;
    const bounds = [Number(span[0]) * CLOCK_BUCKET * PLACES, (Number(span[1]) + 1) * CLOCK_BUCKET * PLACES];
    parts.push({ sql: 'i.seq >= ? AND i.seq < ?', values: bounds });
    if (since !== undefined) parts.push({ sql: 'i.accepted_at >= ?', values: [since] });
    if (until !== undefined) parts.push({ sql: 'i.accepted_at < ?', values: [until] });
  }
  return whereOf({ conditions: parts });
}

function conditionsOf(filter: Filter): Part[] {
  const { project, functions, minAttempts, maxAttempts, minDurationInMs, maxDurationInMs } = filter;
  const compared = (sql: string, value: number | undefined): Part[] => (value === undefined ? [] : [{ sql, values: [value] }]);
  return [
    ...(project === undefined || functions !== undefined ? [] : [isInProject('+i.function', project)]),
    ...equalitiesOf(filter).map(({ column, values }) => oneOf(column, values)),
    ...(filter.state === undefined ? [] : [oneOf('state', filter.state)]),
    ...(filter.status === undefined ? [] : [oneOf('status', filter.status)]),
    ...compared('+i.attempts >= ?', minAttempts),
    ...compared('+i.attempts <= ?', maxAttempts),
    ...compared('+i.duration >= ?', minDurationInMs),
    ...compared('+i.duration <= ?', maxDurationInMs),
  ];
}

const oneOf = (column: string, values: readonly Value[]): Part => ({
  // The sign keeps the index of this column out of it: which one is used is decided below.
  sql: values.length === 1 ? `+i.${column} = ?` : `+i.${column} IN (${values.map(() => '?').join(',')})`,
  values: [...values],
});

type Reading = { from: string; order: string; condition?: Part };

/** Reads by the filter that usually leaves least; what most invocations have comes last. */
function readingsOf(database: Database, filter: Filter): Reading[] {
  const { text } = filter;
  if (text !== undefined) return ['payload_words', 'error_words'].map((table) => wordReading(table, text));
  const equalities = equalitiesOf(filter);
  const rare = equalities.find(({ isRare }) => isRare);
  if (rare !== undefined) return readingsBy(rare.column, rare.values);
  const moods = filter.state === undefined && filter.status === undefined ? undefined : moodsOf(filter);
  if (moods?.some(isCommon) === false) return statusReadings(moods);
  const attempts = attemptReadings(database, filter);
  if (attempts !== undefined) return attempts;
  const named = equalities.find(({ column }) => column === 'function');
  if (named !== undefined) return readingsBy(named.column, named.values);
  return durationReadings(database, filter) ?? (moods === undefined ? [{ from: 'invocations i', order: 'i.seq' }] : statusReadings(moods));
}

const MOST = Number.MAX_SAFE_INTEGER;

/** One attempt is what most have. */
function attemptReadings(database: Database, { minAttempts = 0, maxAttempts = MOST }: Filter): Reading[] | undefined {
  if (minAttempts <= 1 && maxAttempts >= 1) return undefined;
  return readingsBy('attempts', distinctIn(database, 'attempts', { least: minAttempts, most: maxAttempts }));
}

function durationReadings(database: Database, { minDurationInMs, maxDurationInMs }: Filter): Reading[] | undefined {
  if (minDurationInMs === undefined && maxDurationInMs === undefined) return undefined;
  const [least, most] = [minDurationInMs ?? 0, maxDurationInMs ?? MOST];
  // The index holds the duration too: what is outside in the outer classes is passed over without its row.
  const exact = { sql: 'i.duration BETWEEN ? AND ?', values: [least, most] };
  const classes = distinctIn(database, 'slow', { least: durationClassOf(least), most: durationClassOf(most) });
  return readingsBy('slow', classes).map((one) => ({ ...one, condition: and(one.condition, exact) }));
}

type Equality = { column: string; values: readonly Value[]; isRare: boolean };

/** From the one that usually leaves least to the one that leaves most. */
function equalitiesOf(filter: Filter): Equality[] {
  const among = (column: string, values: readonly string[] | string | undefined, isRare: boolean): Equality[] =>
    values === undefined ? [] : [{ column, values: [...new Set([values].flat())], isRare }];
  return [
    ...among('id', filter.id, true),
    ...among('parent', filter.parent, true),
    ...among('redrive_of', filter.redriveOf, true),
    ...among('root', filter.root, true),
    ...among('condition', filter.condition, true),
    ...among('qualifier', filter.qualifier, filter.qualifier !== 'latest'),
    ...among('function', filter.function, false),
    ...among('function', filter.functions, false),
  ];
}

/** Rows of these values are so many that the index leaves them out. */
const left: Readonly<Record<string, string>> = { qualifier: "i.qualifier <> 'latest' AND ", attempts: 'i.attempts <> 1 AND ' };

function readingsBy(column: string, values: readonly Value[]): Reading[] {
  return values.map((value) => ({
    from: `invocations i INDEXED BY by_${column}`,
    order: 'i.seq',
    condition: { sql: `${left[column] ?? ''}i.${column} = ?`, values: [value] },
  }));
}

type StatusAndState = { status: Status; state: (typeof states)[number] };

/** Which states go with which status: one index serves both. */
const statesOf: Readonly<Record<Status, readonly StatusAndState['state'][]>> = {
  WAIT: ['queued'],
  RUNNING: ['running', 'retrying'],
  SUCCESS: ['succeeded', 'notified'],
  FAIL: ['failed', 'notified'],
  DISCARD: ['failed', 'notified'],
};

const isCommon = ({ status, state }: StatusAndState): boolean => status === 'SUCCESS' && state === 'notified';

function moodsOf({ state, status }: HistoryFilter): StatusAndState[] {
  const moods = Object.entries(statesOf).flatMap(([name, all]) =>
    all.map((one): StatusAndState => ({ status: name as Status, state: one })),
  );
  return moods.filter((mood) => (state?.includes(mood.state) ?? true) && (status?.includes(mood.status) ?? true));
}

function statusReadings(moods: readonly StatusAndState[]): Reading[] {
  return moods.map(({ status, state }) => ({
    from: 'invocations i INDEXED BY by_status',
    order: 'i.seq',
    condition: { sql: 'i.status = ? AND i.state = ?', values: [status, state] },
  }));
}

const and = (one: Part | undefined, other: Part): Part => whereOf({ conditions: one === undefined ? [other] : [one, other] });

/** The values of a column within bounds: few, found one after the other. */
function distinctIn(database: Database, column: string, { least, most }: { least: number; most: number }): Value[] {
  const next = database.prepare(
    `SELECT min(i.${column}) FROM invocations i INDEXED BY by_${column} WHERE ${left[column] ?? ''}i.${column} >= ? AND i.${column} <= ?`,
  );
  const values: Value[] = [];
  const from = (low: number): Value => next.get([low, most])?.[0] ?? null;
  for (let value = from(least); value !== null; value = from(Number(value) + 1)) values.push(value);
  return values;
}

function wordReading(table: string, text: string): Reading {
  const words = wordsIn(text);
  const isBeginning = text.trimEnd().endsWith('*');
  const query = words.map((word, index) => (isBeginning && index === words.length - 1 ? `"${word}"*` : `"${word}"`)).join(' AND ');
  return {
    from: `${table} w CROSS JOIN invocations i ON i.seq = w.rowid`,
    order: 'w.rowid',
    condition: { sql: `w.${table} MATCH ?`, values: [query] },
  };
}
