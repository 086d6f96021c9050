import { isOutcome } from '#machines/facts.ts';
import { AmbiguousIdError, InvalidInputError, InvocationNotFoundError } from '#src/core/errors.ts';
import type { AnswerOf, HistoryAnswers, HistoryProblem, InvocationDetail, InvocationSummary, Moment } from '#src/core/history-questions.ts';
import { responsePayloadOf } from '#src/core/log/envelope.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import { splitName } from '#src/core/names/names.ts';
import type { SqlAnswer, SqlQuery } from '#src/core/sql-questions.ts';
import { uncountedIn } from '#src/projection/fold/folded-stream.ts';
import { deliveryRowsOf, type ProjectedInvocation } from '#src/projection/fold/projected-invocation.ts';
import type { Projection } from '#src/projection/projection-port.ts';
import { countOf, stats } from '#src/projection/stats/stats.ts';
import type { Database, Row } from '#src/projection/store/sqlite.ts';
import { type AsOfOptions, askAsOf, type Decode, entriesOf, invocationsAfter, type Narrowing, refuseUnreached } from './as-of.ts';
import { readBatches } from './batches.ts';
import { deliveryColumns, readDead, toDelivery } from './dead-letters.ts';
import { type HeldLog, readFigures, readUsage } from './figures.ts';
import { listRows, summaryColumns, summaryOf, toSummary } from './list.ts';
import { withPayloads } from './payload-excerpts.ts';
import type { Layer } from './plan.ts';
import { timelineOf } from './timeline.ts';
import { readTree } from './tree.ts';
import { readWaits } from './waits.ts';

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
