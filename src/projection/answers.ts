import type { Fact } from '#machines/facts.ts';
import { invocationFolder } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import type {
  AnswerOf,
  DeliverySummary,
  HistoryAnswers,
  HistoryProblem,
  HistoryTree,
  InvocationDetail,
  InvocationSummary,
  Moment,
} from '#src/core/history-questions.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { splitName } from '#src/core/names/names.ts';
import { PLACES } from './fold.ts';
import { countOf, list, summaryColumns, summaryOf, toSummary } from './list.ts';
import { type Asking, askAt, type Decode, entriesOf, membersOf, type Narrowing, refuseUnread } from './past.ts';
import type { Layer } from './plan.ts';
import { deliveryRowsOf, type ProjectedInvocation } from './projected-invocation.ts';
import type { Projection } from './projection.ts';
import { isInProject } from './projects.ts';
import type { Database, Row } from './sqlite.ts';
import { stats } from './stats.ts';

type Identity = { id: string; function?: string | undefined; project?: string | undefined };

/** Answers from the tables as they are now, or as they were. */
export function createAnswers(
  projection: Projection,
  decode: Decode,
  { mostChanged = 50_000 }: Pick<Partial<Asking>, 'mostChanged'> = {},
): HistoryAnswers {
  const tables = (): Database => projection.store.database;
  const ask = <Answer>(moment: Moment | undefined, narrowing: Narrowing, question: (layers: readonly Layer[]) => Answer) =>
    moment === undefined ? question([{ database: tables() }]) : askAt(tables, { decode, moment, narrowing, mostChanged }, question);
  return {
    list: ({ moment, ...query }) => ask(moment, query, (layers) => list(layers, query)),
    count: ({ moment, ...query }) => ask(moment, query, (layers) => countOf(layers, query)),
    stats: ({ moment, ...query }) => ask(moment, query, (layers) => ({ rows: stats(layers, query) })),
    get: ({ moment, ...query }) => describe(tables(), find(tables(), query, { decode, moment })),
    timeline: ({ moment, ...query }) => readTimeline(find(tables(), query, { decode, moment })),
    tree: (query) => readTree(tables(), query, find(tables(), query, { decode, moment: undefined })),
    dead: (query) => readDead(tables(), query),
    problems: ({ after, limit }) => ({ problems: readProblems(tables(), after, limit) }),
    status: () => projection.status(),
    check: () => projection.check(),
    async rebuild() {
      projection.rebuild('it was asked for');
      return await projection.status();
    },
  };
}

/** An invocation, and the entries of its stream up to the moment that is asked about. */
type Found = { summary: InvocationSummary; seq: number; entries: readonly FullLogEntry[]; member: ProjectedInvocation | undefined };
type At = { decode: Decode; moment: Moment | undefined };

/** The newest of this id: it may be used for several functions. */
function find(database: Database, { id, function: fn, project }: Identity, { decode, moment }: At): Found {
  const isMeant = (name: string): boolean =>
    (fn === undefined || name === fn) && (project === undefined || (splitName(name).project ?? '') === project);
  if (moment !== undefined) refuseUnread(database, moment);
  const rows = database.prepare(`SELECT ${summaryColumns}, i.birth FROM invocations i WHERE i.id = ? ORDER BY i.seq DESC`).all([id]);
  for (const row of rows.filter(([, , name]) => isMeant(String(name)))) {
    const entries = entriesOf(database, { decode, moment }, Number(row.at(-1)));
    if (moment === undefined) return { summary: toSummary(row), seq: Number(row[0]), entries, member: undefined };
    const member = membersOf(Number(row.at(-1)), entries).find(({ invocation }) => invocation.context.request?.invocation === id);
    if (member !== undefined) return { summary: summaryOf(member), seq: member.seq, entries, member };
  }
  throw new InvocationNotFoundError({ id });
}

function describe(database: Database, { summary, seq, entries, member }: Found): InvocationDetail {
  const request = entries.find((entry) => entry.kind === 'request' && entry.sequence === Math.floor(seq / PLACES));
  const payload = request?.kind === 'request' ? request.message.requests[seq % PLACES]?.payload : undefined;
  const facts = entries.flatMap((entry) => (entry.kind === 'append' ? entry.append.facts : []));
  const outcome = facts.find((fact) => fact.invocation === summary.id && fact.type === 'succeeded');
  const deliveries = database.prepare(
    `SELECT ${deliveryColumns} FROM deliveries d JOIN invocations i ON i.seq = d.invocation WHERE d.invocation = ?`,
  );
  const told =
    member === undefined
      ? deliveries.all([seq])
      : deliveryRowsOf(member)
          .sort(byDestination)
          .map(([, ...rest]) => [summary.id, summary.function, ...rest]);
  return {
    ...summary,
    payload: payload ?? '',
    response: outcome?.type === 'succeeded' ? outcome.payload : null,
    deliveries: told.map(toDelivery),
  };
}

const byDestination = ([, one]: Row, [, other]: Row): number => (String(one) < String(other) ? -1 : 1);

/** Every transition, with the state after it. */
function readTimeline({ summary: { id }, seq, entries }: Found): AnswerOf<'timeline'> {
  let life = invocationFolder.initial;
  const transitions = entries.flatMap((entry) =>
    factsIn(entry, seq).flatMap((fact) => {
      if (fact.invocation !== id) return [];
      const next = invocationFolder.step(life, fact)?.snapshot;
      life = next ?? life;
      const by = entry.kind === 'append' ? entry.append.by : 'client';
      const state = life.value === 'initial' ? 'queued' : life.value;
      return [{ sequence: entry.sequence, by, refused: next === undefined, fact, state, status: statusOf(life) }];
    }),
  );
  return { id, transitions };
}

function factsIn(entry: FullLogEntry, seq: number): readonly Fact[] {
  if (entry.kind === 'append') return entry.append.facts;
  const isBirth = entry.kind === 'request' && entry.sequence === Math.floor(seq / PLACES);
  const born = isBirth ? entry.message.requests[seq % PLACES]?.fact : undefined;
  return born === undefined ? [] : [born];
}

const MOST_NODES = 500;

/** The whole chain that an invocation is part of, whichever of it was named; and those that ran one of it again. */
function readTree(database: Database, query: Identity, { summary }: Found): HistoryTree {
  const root = summary.root ?? summary.redriveOf ?? summary.id;
  // An id that callers bring may stand in several projects; a chain stays in one.
  const isSeen = (node: InvocationSummary): boolean =>
    query.project === undefined || splitName(node.function).project === splitName(summary.function).project;
  const chain = database
    .prepare(
      `SELECT ${summaryColumns} FROM invocations i WHERE i.id = ?1 UNION SELECT ${summaryColumns} FROM invocations i WHERE i.root = ?1 ORDER BY 1 LIMIT ${MOST_NODES + 1}`,
    )
    .all([root])
    .map(toSummary)
    .filter(isSeen);
  const again = database.prepare(`SELECT ${summaryColumns} FROM invocations i WHERE i.redrive_of = ? ORDER BY i.seq`);
  const nodes = new Map(chain.map((node) => [node.id, node]));
  for (const id of nodes.keys()) {
    if (nodes.size > MOST_NODES) break;
    for (const node of again.all([id]).map(toSummary).filter(isSeen)) nodes.set(node.id, node);
  }
  return { root, nodes: [...nodes.values()].slice(0, MOST_NODES), isCut: nodes.size > MOST_NODES };
}

const deliveryColumns = 'i.id, i.function, d.destination, d.kind, d.param, d.state, d.tries, d.due_at, d.reason, d.invocation';

function toDelivery([id, fn, destination, kind, param, state, tries, dueAt, reason]: Row): DeliverySummary {
  return { id, function: fn, destination, kind, param, state, tries, dueAt, reason } as DeliverySummary;
}

function readDead(
  database: Database,
  {
    function: fn,
    project,
    limit,
    cursor,
  }: { function?: string | undefined; project?: string | undefined; limit: number; cursor?: string | undefined },
) {
  const part = project === undefined ? { sql: '1', values: [] } : isInProject('+i.function', project);
  const rows = database
    .prepare(
      `SELECT ${deliveryColumns} FROM deliveries d JOIN invocations i ON i.seq = d.invocation WHERE d.state = 'dead' AND d.invocation < ? AND (? IS NULL OR +i.function = ?) AND ${part.sql} ORDER BY d.invocation DESC LIMIT ?`,
    )
    .all([cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor), fn ?? null, fn ?? null, ...part.values, limit]);
  // An invocation has few destinations, so a page that is full ends before its last invocation, unless that is all it holds.
  const last = rows.length < limit ? undefined : rows.at(-1)?.[9];
  const whole = last === undefined || rows[0]?.[9] === last ? rows : rows.filter((row) => row[9] !== last);
  return { deadLetters: whole.map(toDelivery), cursor: last === undefined ? null : String(whole.at(-1)?.[9]) };
}

function readProblems(database: Database, after: number, limit: number): HistoryProblem[] {
  return database
    .prepare('SELECT sequence, at, kind, invocation, why FROM problems WHERE sequence > ? ORDER BY sequence, place LIMIT ?')
    .all([after, limit])
    .map(([sequence, at, kind, invocation, why]) => ({ sequence, at, kind, invocation, why }) as HistoryProblem);
}
