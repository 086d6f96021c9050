import { setImmediate } from 'node:timers/promises';
import { InvalidInputError } from '#src/core/errors.ts';
import type { Moment } from '#src/core/history-questions.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { StoredEntry } from '#src/core/log/log-source.ts';
import { PLACES, refold } from './fold.ts';
import { forksAround } from './forks.ts';
import type { Layer, Part } from './plan.ts';
import type { ProjectedInvocation } from './projected-invocation.ts';
import { CLOCK_BUCKET } from './schema.ts';
import { type Database, findSqlite, type Value } from './sqlite.ts';
import { openStore } from './store.ts';
import { toEntry } from './to-entry.ts';

/*
 * The read model as it was at an earlier moment. A row that has not changed since is as it was; the others, of what was open then or
 * told again later, are folded anew from the stored appends, up to the moment, into tables of their own.
 *
 * Invariant: what is answered is what a read model that ends at that moment would answer.
 */

export type Decode = (entry: StoredEntry) => FullLogEntry;
export type Narrowing = { id?: string | undefined; function?: string | undefined; cursor?: string | undefined };

export type Asking = {
  decode: Decode;
  moment: Moment;
  /** Of what is asked anyway: fewer need to be folded. */
  narrowing: Narrowing;
  /** Of more rows that have changed since an earlier moment is not told: folding them takes seconds, and memory. */
  mostChanged: number;
};

const STREAMS_A_TURN = 200;

/**
 * Asks the tables as they were at a moment.
 *
 * Throws `InvalidInputError` when the read model is not as far, or when too much has changed since.
 */
export async function askAt<Answer>(
  tables: () => Database,
  { decode, moment, narrowing, mostChanged }: Asking,
  ask: (layers: readonly Layer[]) => Answer,
): Promise<Answer> {
  const open = await findSqlite();
  const past = createPast(tables, { decode, moment, narrowing, mostChanged });
  // While it folds, more may change.
  for (let missing = past.missing(); missing.length > 0; missing = past.missing()) {
    for (const stream of missing.slice(0, STREAMS_A_TURN)) past.fold(stream);
    await setImmediate();
  }
  const here = { database: tables(), condition: past.condition };
  const members = past.changed();
  if (members.length === 0) return ask([here]);
  const store = openStore({ open, file: ':memory:', decode });
  if (store === undefined) throw new Error('there is no room for tables in memory');
  try {
    const last = Number(tables().prepare('SELECT max(bucket) FROM clock').get()?.[0] ?? 0);
    const always = { first: -9e15, last: 9e15 };
    const clock = new Map([0, last].map((bucket) => [bucket, always]));
    const changes = { appends: [], members, problems: [], removed: [], clock };
    store.save(changes, { sequence: 0, fingerprint: '', created: '', missing: 0, at: 0 });
    return ask([here, { database: store.database }]);
  } finally {
    store.close();
  }
}

/** What is stored of a stream, up to a moment. */
export function entriesOf(
  database: Database,
  { decode, moment }: { decode: Decode; moment: Moment | undefined },
  birth: number,
): FullLogEntry[] {
  const entries = database
    .prepare('SELECT sequence, at, subject, headers, body FROM appends WHERE birth = ? ORDER BY sequence')
    .all([birth])
    .map((row) => decode(toEntry(row)));
  if (moment === undefined) return entries;
  return entries.filter(({ sequence, at }) => ('sequence' in moment ? sequence <= moment.sequence : at <= moment.at));
}

/** The members of a stream, as these entries leave them. */
export function membersOf(birth: number, entries: readonly FullLogEntry[]): ProjectedInvocation[] {
  return [...refold({ birth, entries }).members.values()];
}

type Past = {
  /** Of the rows that are as they were. */
  condition: Part;
  /** Streams of rows that changed since, and were not folded yet. */
  missing(): number[];
  fold(stream: number): void;
  /** What was folded of the rows that changed since. */
  changed(): ProjectedInvocation[];
};

function createPast(tables: () => Database, { decode, moment, narrowing, mostChanged }: Asking): Past {
  let database = tables();
  let folded = new Map<number, ProjectedInvocation[]>();
  const { low, high, condition } = boundsOf(database, moment);
  const streams = (): number[] => changedStreams(database, { low, high, moment, narrowing, mostChanged });
  return {
    condition,
    missing() {
      if (tables() !== database) {
        database = tables();
        folded = new Map();
      }
      return streams().filter((stream) => !folded.has(stream));
    },
    fold(stream) {
      folded.set(stream, membersOf(stream, entriesOf(database, { decode, moment }, stream)));
    },
    changed() {
      const findUnchanged = database.prepare(`SELECT 1 FROM invocations i WHERE i.seq = ? AND ${condition.sql}`);
      // What was erased meanwhile is among them no more.
      const members = streams().flatMap((stream) => folded.get(stream) ?? []);
      return members.filter(({ seq }) => findUnchanged.get([seq, ...condition.values]) === undefined);
    },
  };
}

/** Throws `InvalidInputError` when the read model is not as far as a moment. */
export function refuseUnread(database: Database, moment: Moment): void {
  const last = Number(database.prepare('SELECT sequence FROM checkpoint').get()?.[0] ?? 0);
  if (!('sequence' in moment) || moment.sequence <= last) return;
  throw new InvalidInputError({ field: 'the moment', problem: `is not read yet: the read model ends at sequence ${last}` });
}

/** The first sequence behind which, and the last up to which, something of the moment can stand. */
function boundsOf(database: Database, moment: Moment): { low: number; high: number; condition: Part } {
  if ('sequence' in moment) {
    const { sequence } = moment;
    refuseUnread(database, moment);
    const values = [(sequence + 1) * PLACES, sequence];
    return { low: sequence, high: sequence, condition: { sql: 'i.seq < ? AND i.last_sequence <= ?', values } };
  }
  const { at } = moment;
  const after = database.prepare('SELECT min(bucket) FROM clock WHERE last_at > ?').get([at])?.[0] ?? null;
  const before = database.prepare('SELECT max(bucket) FROM clock WHERE first_at <= ?').get([at])?.[0] ?? -1;
  const high = (Number(before) + 1) * CLOCK_BUCKET - 1;
  const low = after === null ? Number.MAX_SAFE_INTEGER : Number(after) * CLOCK_BUCKET;
  return { low, high, condition: { sql: 'i.seq < ? AND i.last_at <= ?', values: [(high + 1) * PLACES, at] } };
}

type Cut = Pick<Asking, 'moment' | 'narrowing' | 'mostChanged'> & { low: number; high: number };

function changedStreams(database: Database, { low, high, moment, narrowing, mostChanged }: Cut): number[] {
  // After the moment nothing changed, or before it nothing was.
  if (low === Number.MAX_SAFE_INTEGER || high < 0) return [];
  const [from, to] = [Math.min(low, high), Math.max(low, high)];
  const last = Number(database.prepare('SELECT sequence FROM checkpoint').get()?.[0] ?? 0);
  const forks = forksAround({ low: from, high: to, last });
  const since: Part =
    'sequence' in moment ? { sql: 'i.last_sequence > ?', values: [moment.sequence] } : { sql: 'i.last_at > ?', values: [moment.at] };
  const conditions: Part[] = [
    since,
    { sql: 'i.birth <= ?', values: [high] },
    ...(narrowing.id === undefined ? [] : [{ sql: '+i.id = ?', values: [narrowing.id] }]),
    ...(narrowing.function === undefined ? [] : [{ sql: '+i.function = ?', values: [narrowing.function] }]),
    ...(narrowing.cursor === undefined ? [] : [{ sql: 'i.birth < ?', values: [Math.ceil(Number(narrowing.cursor) / PLACES)] }]),
  ];
  const where = conditions.map(({ sql }) => sql).join(' AND ');
  const values: Value[] = conditions.flatMap(({ values: given }) => given);
  const rows = database
    .prepare(
      `SELECT i.birth FROM invocations i INDEXED BY by_fork WHERE i.fork IN (${forks.map(() => '?').join(',')}) AND ${where}
       UNION ALL SELECT i.birth FROM invocations i INDEXED BY by_fork WHERE i.fork >= ? AND i.fork <= ? AND ${where} LIMIT ${mostChanged + 1}`,
    )
    .all([...forks, ...values, from, to, ...values]);
  if (rows.length <= mostChanged) return [...new Set(rows.map(([birth]) => Number(birth)))];
  const problem = `is one at which more than ${mostChanged} invocations were open, which takes too long to tell; ask of one function`;
  throw new InvalidInputError({ field: 'the moment', problem });
}
