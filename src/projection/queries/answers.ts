import { type Fact, isOutcome } from '#machines/facts.ts';
import { invocationFolder } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { holdsSealed } from '#src/core/encryption/sealed-text.ts';
import { AmbiguousIdError, InvalidInputError, InvocationNotFoundError } from '#src/core/errors.ts';
import type {
  AnswerOf,
  DeliverySummary,
  HistoryAnswers,
  HistoryProblem,
  InvocationDetail,
  InvocationSummary,
  Moment,
} from '#src/core/history-questions.ts';
import { responsePayloadOf } from '#src/core/log/envelope.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import { splitName } from '#src/core/names/names.ts';
import type { SqlAnswer, SqlQuery } from '#src/core/sql-questions.ts';
import { uncountedIn } from '#src/projection/fold/folded-stream.ts';
import { deliveryRowsOf, type ProjectedInvocation } from '#src/projection/fold/projected-invocation.ts';
import type { Projection } from '#src/projection/projection-port.ts';
import { countOf, stats } from '#src/projection/stats/stats.ts';
import type { Database, Row, Value } from '#src/projection/store/sqlite.ts';
import { toEntry } from '#src/projection/store/to-entry.ts';
import { type AsOfOptions, askAsOf, type Decode, entriesOf, invocationsAfter, type Narrowing, refuseUnreached } from './as-of.ts';
import { readBatches } from './batches.ts';
import { type HeldLog, readFigures, readUsage } from './figures.ts';
import { listRows, summaryColumns, summaryOf, toSummary } from './list.ts';
import type { Layer } from './plan.ts';
import { isInProject } from './projects.ts';
import { readTree } from './tree.ts';

/** Runs a query of a person on the file of a read model, outside of this process. */
type RunSql = (file: string, query: SqlQuery) => Promise<SqlAnswer>;

const refuseSql: RunSql = () => Promise.reject(new InvalidInputError({ field: 'the SQL', problem: 'cannot be run by this process' }));

/** Nothing was archived or removed. */
const wholeLog = async (): Promise<HeldLog> => ({ first: 1, archived: 0 });

type Identity = { id: string; function?: string | undefined; project?: string | undefined };

/** Answers questions from the live tables, or as of an earlier moment. */
export function createAnswers(
  projection: Projection,
  decode: Decode,
  {
    maxChanged = 50_000,
    runSql = refuseSql,
    held = wholeLog,
  }: Pick<Partial<AsOfOptions>, 'maxChanged'> & { runSql?: RunSql; held?: () => Promise<HeldLog> } = {},
): HistoryAnswers {
  const tables = (): Database => projection.store.database;
  const ask = <Answer>(moment: Moment | undefined, narrowing: Narrowing, question: (layers: readonly Layer[]) => Answer) =>
    moment === undefined ? question([{ database: tables() }]) : askAsOf(tables, { decode, moment, narrowing, maxChanged }, question);
  return {
    list: ({ moment, payloads, ...query }) =>
      // Only a cursor of the default order bounds the rows that are folded.
      ask(moment, (query.order ?? 'newest') === 'newest' ? query : { ...query, cursor: undefined }, (layers) => {
        const { rows, cursor } = listRows(layers, query);
        return { invocations: payloads === true ? withPayloads(tables(), decode, rows) : rows.map(toSummary), cursor };
      }),
    count: ({ moment, ...query }) => ask(moment, query, (layers) => countOf(layers, query)),
    stats: ({ moment, ...query }) => ask(moment, query, (layers) => ({ rows: stats(layers, query) })),
    get: ({ moment, ...query }) => describe(tables(), find(tables(), query, { decode, moment })),
    timeline: ({ moment, ...query }) => readTimeline(find(tables(), query, { decode, moment })),
    tree: (query) => readTree(tables(), find(tables(), query, { decode, moment: undefined }).summary),
    batches: (query) => ({ ...readBatches(tables(), query), sequence: projection.store.checkpoint?.sequence ?? 0 }),
    dead: (query) => readDead(tables(), query),
    waits: (query) => readWaits(tables(), query),
    sql: async (query) => await runSql((await projection.status()).file, query),
    problems: ({ after, limit }) => ({ problems: readProblems(tables(), after, limit) }),
    usage: async ({ bytes }) => readUsage(projection.store, bytes ? await held() : undefined),
    figures: ({ now }) => readFigures(projection.store, now),
    status: () => projection.status(),
    check: () => projection.check(),
    async rebuild() {
      projection.rebuild('a user requested it');
      return await projection.status();
    },
  };
}

/** An invocation, and the entries of its stream up to the moment. `projected` is set for an earlier moment only. */
type FoundInvocation = {
  summary: InvocationSummary;
  seq: number;
  entries: readonly FullLogEntry[];
  projected: ProjectedInvocation | undefined;
};
type At = { decode: Decode; moment: Moment | undefined };

/** The invocation of an id and its owner (ID1). Throws `AmbiguousIdError` when several functions have one, and none is named. */
function find(database: Database, { id, function: fn, project }: Identity, { decode, moment }: At): FoundInvocation {
  const matches = (name: string): boolean =>
    (fn === undefined || name === fn) && (project === undefined || (splitName(name).project ?? '') === project);
  if (moment !== undefined) refuseUnreached(database, moment);
  const rows = database
    .prepare(`SELECT ${summaryColumns}, i.request_sequence FROM invocations i WHERE i.id = ? ORDER BY i.seq DESC`)
    .all([id]);
  const found = new Map<string, FoundInvocation>();
  for (const row of rows.filter(([, , name]) => matches(String(name)))) {
    const requestSequence = Number(row.at(-1));
    const entries = entriesOf(database, { decode, moment }, requestSequence);
    const one = moment === undefined ? presentOf(row, entries) : pastOf(id, requestSequence, entries);
    // The newest invocation of a function counts.
    if (one !== undefined && !found.has(one.summary.function)) found.set(one.summary.function, one);
  }
  if (found.size > 1) throw new AmbiguousIdError({ id, functions: [...found.keys()].sort() });
  for (const only of found.values()) return only;
  throw new InvocationNotFoundError({ id });
}

function presentOf(row: Row, entries: readonly FullLogEntry[]): FoundInvocation {
  return { summary: toSummary(row), seq: Number(row[0]), entries, projected: undefined };
}

function pastOf(id: string, requestSequence: number, entries: readonly FullLogEntry[]): FoundInvocation | undefined {
  const projected = invocationsAfter(requestSequence, entries).find(({ snapshot }) => snapshot.context.request?.invocation === id);
  return projected === undefined ? undefined : { summary: summaryOf(projected), seq: projected.seq, entries, projected };
}

function describe(database: Database, { summary, seq, entries, projected }: FoundInvocation): InvocationDetail {
  const uncounted = uncountedIn({ requestSequence: Math.floor(seq / MAX_BATCH), entries });
  const facts = entries.flatMap((entry) => (entry.kind === 'append' && !uncounted.has(entry.sequence) ? entry.append.facts : []));
  const outcome = facts.filter(isOutcome).find(({ invocation }) => invocation === summary.id);
  const deliveries =
    projected === undefined
      ? readDeliveries(database, seq)
      : deliveryRowsOf(projected)
          .sort(byDestination)
          .map(([, ...delivery]) => [summary.id, summary.function, ...delivery]);
  return {
    ...summary,
    payload: requestIn(entries, seq)?.payload ?? '',
    response: outcome === undefined ? null : responsePayloadOf(outcome),
    deliveries: deliveries.map(toDelivery),
  };
}

function readDeliveries(database: Database, seq: number): Row[] {
  return database
    .prepare(`SELECT ${deliveryColumns} FROM deliveries d JOIN invocations i ON i.seq = d.invocation WHERE d.invocation = ?`)
    .all([seq]);
}

const byDestination = ([, one]: Row, [, other]: Row): number => (String(one) < String(other) ? -1 : 1);

function readTimeline({ summary: { id }, seq, entries }: FoundInvocation): AnswerOf<'timeline'> {
  return { id, transitions: timelineOf({ id, requestSequence: Math.floor(seq / MAX_BATCH), entries }) };
}

/** The request of an invocation, from the message that accepted the invocation. */
function requestIn(entries: readonly FullLogEntry[], seq: number): { payload: string } | undefined {
  const request = entries.find((entry) => entry.kind === 'request' && entry.sequence === Math.floor(seq / MAX_BATCH));
  return request?.kind === 'request' ? request.message.requests[seq % MAX_BATCH] : undefined;
}

function readProblems(database: Database, after: number, limit: number): HistoryProblem[] {
  return database
    .prepare('SELECT sequence, at, kind, invocation, why FROM problems WHERE sequence > ? ORDER BY sequence, fact_index LIMIT ?')
    .all([after, limit])
    .map(([sequence, at, kind, invocation, why]) => ({ sequence, at, kind, invocation, why }) as HistoryProblem);
}

/** The columns of a delivery `d` and its invocation `i`, for {@link toDelivery}. */
const deliveryColumns = 'i.id, i.function, d.destination, d.kind, d.param, d.state, d.tries, d.due_at, d.reason, d.invocation';

function toDelivery([id, fn, destination, kind, param, state, tries, dueAt, reason]: Row): DeliverySummary {
  return { id, function: fn, destination, kind, param, state, tries, dueAt, reason } as DeliverySummary;
}

type DeadQuery = { function?: string | undefined; project?: string | undefined; limit: number; cursor?: string | undefined };

/** A page of dead deliveries, newest first. The deliveries of one invocation stay on one page. */
function readDead(database: Database, { function: fn, project, limit, cursor }: DeadQuery): AnswerOf<'dead'> {
  const inProject = project === undefined ? { sql: '1', values: [] } : isInProject('+i.function', project);
  const rows = database
    .prepare(
      `SELECT ${deliveryColumns} FROM deliveries d JOIN invocations i ON i.seq = d.invocation WHERE d.state = 'dead' AND d.invocation < ? AND (? IS NULL OR +i.function = ?) AND ${inProject.sql} ORDER BY d.invocation DESC LIMIT ?`,
    )
    .all([cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor), fn ?? null, fn ?? null, ...inProject.values, limit]);
  // A full page may end inside its last invocation. It then ends before that invocation, unless the page holds no other.
  const last = rows.length < limit ? undefined : rows.at(-1)?.[9];
  const whole = last === undefined || rows[0]?.[9] === last ? rows : rows.filter((row) => row[9] !== last);
  return { deadLetters: whole.map(toDelivery), cursor: last === undefined ? null : String(whole.at(-1)?.[9]) };
}

type WaitsQuery = { project?: string | undefined; pools?: readonly string[] | undefined; limit: number };

/** How many invocations wait for slots: by pool and function, and by pool and key. Of each pool, the keys with the most waits come first. */
function readWaits(database: Database, { project, pools, limit }: WaitsQuery): AnswerOf<'waits'> {
  const inProject = project === undefined ? { sql: '1', values: [] } : isInProject('+i.function', project);
  const inPools = pools === undefined ? '' : `AND i.waits_pool IN (${pools.map(() => '?').join(',')})`;
  const from = `FROM invocations i INDEXED BY by_waits_pool WHERE i.waits_pool IS NOT NULL ${inPools} AND ${inProject.sql}`;
  const values: Value[] = [...(pools ?? []), ...inProject.values];
  const counted = (column: string): Row[] =>
    database
      .prepare(`SELECT i.waits_pool, i.${column}, count(*), min(i.waits_since) ${from} GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2`)
      .all(values);
  const keys = counted('waits_key');
  const shown = keys.filter((row, index) => row[0] !== keys[index - limit]?.[0]);
  return {
    functions: counted('function').map(([pool, fn, waiting, since]) => ({ pool, function: fn, waiting, since })),
    keys: shown.map(([pool, key, waiting, since]) => ({ pool, key, waiting, since })),
    isCut: shown.length < keys.length,
  } as AnswerOf<'waits'>;
}

/** The characters of a payload that a list shows. */
const MAX_EXCERPT = 256;
/** A sealed text that is cut cannot be opened, so it is either whole or left out. */
const MAX_SEALED = 4_096;
/** Bounds the answer, which is one message. */
const MAX_TOTAL = 400_000;

/** The summaries of rows, each with the start of its payload; null when the payload is sealed and too long. */
function withPayloads(database: Database, decode: Decode, rows: readonly Row[]): InvocationSummary[] {
  const find = database.prepare(
    `SELECT a.sequence, a.at, a.subject, a.headers, a.body FROM invocations i JOIN appends a
     ON a.request_sequence = i.request_sequence AND a.sequence = i.seq / ${MAX_BATCH} WHERE i.seq = ?`,
  );
  let total = 0;
  return rows.map((row) => {
    const seq = Number(row[0]);
    const stored = find.get([seq]);
    const entry = stored === undefined ? undefined : decode(toEntry(stored));
    const excerpt = entry?.kind === 'request' ? excerptOf(entry.message.requests[seq % MAX_BATCH]?.payload ?? '') : null;
    total += excerpt?.length ?? 0;
    return { ...toSummary(row), payload: total > MAX_TOTAL ? null : excerpt };
  });
}

function excerptOf(payload: string): string | null {
  if (!holdsSealed(payload)) return payload.slice(0, MAX_EXCERPT);
  return payload.length > MAX_SEALED ? null : payload;
}

type TimelineOptions = {
  id: string;
  /** The sequence of the request that accepted the invocation. */
  requestSequence: number;
  entries: readonly FullLogEntry[];
};

/** Every fact of an invocation, with the state after it. */
function timelineOf({ id, requestSequence, entries }: TimelineOptions): AnswerOf<'timeline'>['transitions'] {
  let snapshot = invocationFolder.initial;
  const uncounted = uncountedIn({ requestSequence, entries });
  return entries.flatMap((entry) =>
    factsOf(entry, { id, requestSequence }).map((fact) => {
      const next = uncounted.has(entry.sequence) ? undefined : invocationFolder.step(snapshot, fact)?.snapshot;
      snapshot = next ?? snapshot;
      const by = entry.kind === 'append' ? entry.append.by : 'client';
      const state = snapshot.value === 'initial' ? 'queued' : snapshot.value;
      return { sequence: entry.sequence, by, refused: next === undefined, fact, state, status: statusOf(snapshot) };
    }),
  );
}

/** The facts of an invocation in an append, or in the request that accepted it: other requests of its id started nothing. */
function factsOf(entry: FullLogEntry, { id, requestSequence }: Pick<TimelineOptions, 'id' | 'requestSequence'>): readonly Fact[] {
  const isOwn = ({ invocation }: Fact): boolean => invocation === id;
  if (entry.kind === 'append') return entry.append.facts.filter(isOwn);
  if (entry.kind !== 'request' || entry.sequence !== requestSequence) return [];
  return entry.message.requests.map(({ fact }) => fact).filter(isOwn);
}
