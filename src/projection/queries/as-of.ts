import { setImmediate } from 'node:timers/promises';
import { InvalidInputError } from '#src/core/errors.ts';
import type { Moment } from '#src/core/history-questions.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { StoredEntry } from '#src/core/log/log-source.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import { refold } from '#src/projection/fold/folded-stream.ts';
import { forksAround } from '#src/projection/fold/forks.ts';
import type { ProjectedInvocation } from '#src/projection/fold/projected-invocation.ts';
import { CLOCK_BUCKET } from '#src/projection/store/schema.ts';
import { type Database, findSqlite, type Value } from '#src/projection/store/sqlite.ts';
import { openStore } from '#src/projection/store/store.ts';
import { toEntry } from '#src/projection/store/to-entry.ts';
import type { Condition, Layer } from './plan.ts';

/*
 * Answers questions as of an earlier moment.
 *
 * 1. A row that has not changed since the moment is used as it is.
 * 2. The other rows are folded again, from the stored appends up to the moment, into tables in memory.
 * 3. The question is asked of both sets of tables.
 *
 * Invariant: the answer equals the answer of a read model that ends at that moment.
 */

export type Decode = (entry: StoredEntry) => FullLogEntry;
/** Filters of the question that reduce the number of rows to fold. */
export type Narrowing = { id?: string | undefined; function?: string | undefined; cursor?: string | undefined };

export type AsOfOptions = {
  decode: Decode;
  moment: Moment;
  narrowing: Narrowing;
  /** Folding more changed rows takes seconds, and memory. The question is then refused. */
  maxChanged: number;
};

const STREAMS_PER_TURN = 200;

/**
 * Asks a question of the tables as they were at a moment.
 *
 * Throws `InvalidInputError` when the read model has not reached the moment, or when too many rows have changed since.
 */
export async function askAsOf<Answer>(
  tables: () => Database,
  options: AsOfOptions,
  ask: (layers: readonly Layer[]) => Answer,
): Promise<Answer> {
  const open = await findSqlite();
  const changedRows = createChangedRows(tables, options);
  // More rows may change while others are folded.
  for (let unfolded = changedRows.unfolded(); unfolded.length > 0; unfolded = changedRows.unfolded()) {
    for (const stream of unfolded.slice(0, STREAMS_PER_TURN)) changedRows.fold(stream);
    await setImmediate();
  }
  const unchanged = { database: tables(), condition: changedRows.isUnchanged };
  const invocations = changedRows.folded();
  if (invocations.length === 0) return ask([unchanged]);
  const store = openStore({ open, file: ':memory:', decode: options.decode });
  if (store === undefined) throw new Error('SQLite cannot create tables in memory');
  try {
    const last = Number(tables().prepare('SELECT max(bucket) FROM clock').get()?.[0] ?? 0);
    // The first and the last bucket span all times, so that every time span of a filter includes all folded rows.
    const always = { first: -9e15, last: 9e15 };
    const clock = new Map([0, last].map((bucket) => [bucket, always]));
    const changes = { appends: [], invocations, problems: [], removed: [], figures: [], stored: [], clock };
    store.save(changes, { sequence: 0, fingerprint: '', created: '', missing: 0, at: 0 });
    return ask([unchanged, { database: store.database }]);
  } finally {
    store.close();
  }
}

/** The stored entries of a stream, up to a moment. */
export function entriesOf(
  database: Database,
  { decode, moment }: { decode: Decode; moment: Moment | undefined },
  requestSequence: number,
): FullLogEntry[] {
  const entries = database
    .prepare('SELECT sequence, at, subject, headers, body FROM appends WHERE request_sequence = ? ORDER BY sequence')
    .all([requestSequence])
    .map((row) => decode(toEntry(row)));
  if (moment === undefined) return entries;
  return entries.filter(({ sequence, at }) => ('sequence' in moment ? sequence <= moment.sequence : at <= moment.at));
}

/** The invocations of a stream after these entries. */
export function invocationsAfter(requestSequence: number, entries: readonly FullLogEntry[]): ProjectedInvocation[] {
  return [...refold({ requestSequence, entries }).invocations.values()];
}

type ChangedRows = {
  /** Selects the rows that have not changed since the moment. */
  isUnchanged: Condition;
  /** Streams with rows that have changed since the moment, and that are not folded yet. */
  unfolded(): number[];
  fold(stream: number): void;
  /** The changed rows as they were at the moment. */
  folded(): ProjectedInvocation[];
};

function createChangedRows(tables: () => Database, { decode, moment, narrowing, maxChanged }: AsOfOptions): ChangedRows {
  let database = tables();
  let folded = new Map<number, ProjectedInvocation[]>();
  const { low, high, isUnchanged } = boundsOf(database, moment);
  const streams = (): number[] => changedStreams(database, { low, high, moment, narrowing, maxChanged });
  return {
    isUnchanged,
    unfolded() {
      // A rebuild has replaced the tables.
      if (tables() !== database) {
        database = tables();
        folded = new Map();
      }
      return streams().filter((stream) => !folded.has(stream));
    },
    fold(stream) {
      folded.set(stream, invocationsAfter(stream, entriesOf(database, { decode, moment }, stream)));
    },
    folded() {
      const findUnchanged = database.prepare(`SELECT 1 FROM invocations i WHERE i.seq = ? AND ${isUnchanged.sql}`);
      // The current list of streams leaves out streams that were erased after they were folded.
      const invocations = streams().flatMap((stream) => folded.get(stream) ?? []);
      return invocations.filter(({ seq }) => findUnchanged.get([seq, ...isUnchanged.values]) === undefined);
    },
  };
}

/** Throws `InvalidInputError` when the read model has not reached a moment. */
export function refuseUnreached(database: Database, moment: Moment): void {
  const last = Number(database.prepare('SELECT sequence FROM checkpoint').get()?.[0] ?? 0);
  if (!('sequence' in moment) || moment.sequence <= last) return;
  throw new InvalidInputError({ field: 'the moment', problem: `is not read yet: the read model ends at sequence ${last}` });
}

/** Messages before `low` precede the moment, and messages after `high` follow it. Between them, times may be out of order. */
function boundsOf(database: Database, moment: Moment): { low: number; high: number; isUnchanged: Condition } {
  if ('sequence' in moment) {
    const { sequence } = moment;
    refuseUnreached(database, moment);
    const values = [(sequence + 1) * MAX_BATCH, sequence];
    return { low: sequence, high: sequence, isUnchanged: { sql: 'i.seq < ? AND i.last_sequence <= ?', values } };
  }
  const { at } = moment;
  const after = database.prepare('SELECT min(bucket) FROM clock WHERE last_at > ?').get([at])?.[0] ?? null;
  const before = database.prepare('SELECT max(bucket) FROM clock WHERE first_at <= ?').get([at])?.[0] ?? -1;
  const high = (Number(before) + 1) * CLOCK_BUCKET - 1;
  const low = after === null ? Number.MAX_SAFE_INTEGER : Number(after) * CLOCK_BUCKET;
  return { low, high, isUnchanged: { sql: 'i.seq < ? AND i.last_at <= ?', values: [(high + 1) * MAX_BATCH, at] } };
}

type Cut = Pick<AsOfOptions, 'moment' | 'narrowing' | 'maxChanged'> & { low: number; high: number };

/** The streams that began before the moment and changed after it, by their request sequence. */
function changedStreams(database: Database, cut: Cut): number[] {
  const { low, high, maxChanged } = cut;
  // Nothing changed after the moment, or nothing was accepted before it.
  if (low === Number.MAX_SAFE_INTEGER || high < 0) return [];
  const [from, to] = [Math.min(low, high), Math.max(low, high)];
  const last = Number(database.prepare('SELECT sequence FROM checkpoint').get()?.[0] ?? 0);
  const forks = forksAround({ low: from, high: to, last });
  const conditions = conditionsOf(cut);
  const where = conditions.map(({ sql }) => sql).join(' AND ');
  const values: Value[] = conditions.flatMap(({ values: ofCondition }) => ofCondition);
  const rows = database
    .prepare(
      `SELECT i.request_sequence FROM invocations i INDEXED BY by_fork WHERE i.fork IN (${forks.map(() => '?').join(',')}) AND ${where}
       UNION ALL SELECT i.request_sequence FROM invocations i INDEXED BY by_fork WHERE i.fork >= ? AND i.fork <= ? AND ${where} LIMIT ${maxChanged + 1}`,
    )
    .all([...forks, ...values, from, to, ...values]);
  if (rows.length <= maxChanged) return [...new Set(rows.map(([requestSequence]) => Number(requestSequence)))];
  const problem = `is one at which more than ${maxChanged} invocations were open, too many to fold again; ask about one function`;
  throw new InvalidInputError({ field: 'the moment', problem });
}

function conditionsOf({ high, moment, narrowing }: Cut): Condition[] {
  const changed: Condition =
    'sequence' in moment ? { sql: 'i.last_sequence > ?', values: [moment.sequence] } : { sql: 'i.last_at > ?', values: [moment.at] };
  const { id, function: fn, cursor } = narrowing;
  return [
    changed,
    { sql: 'i.request_sequence <= ?', values: [high] },
    ...(id === undefined ? [] : [{ sql: '+i.id = ?', values: [id] }]),
    ...(fn === undefined ? [] : [{ sql: '+i.function = ?', values: [fn] }]),
    ...(cursor === undefined ? [] : [{ sql: 'i.request_sequence < ?', values: [Math.ceil(Number(cursor) / MAX_BATCH)] }]),
  ];
}
