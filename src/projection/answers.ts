import { InvocationNotFoundError } from '#src/core/errors.ts';
import type { FullLogEntry } from '#src/core/event-log.ts';
import type {
  AnswerOf,
  DeliverySummary,
  HistoryAnswers,
  HistoryProblem,
  HistoryTree,
  InvocationDetail,
  InvocationSummary,
} from '#src/core/history.ts';
import type { StoredEntry } from '#src/core/log-source.ts';
import { splitName } from '#src/core/names.ts';
import { PLACES } from './fold.ts';
import { countOf, list, summaryColumns, toSummary } from './list.ts';
import type { Projection } from './projection.ts';
import { isInProject } from './projects.ts';
import type { Database, Row } from './sqlite.ts';
import { stats } from './stats.ts';
import { toEntry } from './to-entry.ts';

type Decode = (entry: StoredEntry) => FullLogEntry;
type Identity = { id: string; function?: string | undefined; project?: string | undefined };

/** Answers from the tables as they are now. */
export function createAnswers(projection: Projection, decode: Decode): HistoryAnswers {
  const tables = (): Database => projection.store.database;
  return {
    list: (query) => list(tables(), query),
    count: (query) => countOf(tables(), query),
    stats: (query) => ({ rows: stats(tables(), query) }),
    get: (query) => describe(tables(), decode, query),
    timeline: (query) => readTimeline(tables(), decode, query),
    tree: (query) => readTree(tables(), query),
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

type Found = { summary: InvocationSummary; seq: number; birth: number };

/** The newest of this id: it may be used for several functions. */
function find(database: Database, { id, function: fn, project }: Identity): Found {
  const rows = database.prepare(`SELECT ${summaryColumns}, i.birth FROM invocations i WHERE i.id = ? ORDER BY i.seq DESC`).all([id]);
  const isMeant = ([, , name]: Row): boolean =>
    (fn === undefined || name === fn) && (project === undefined || (splitName(String(name)).project ?? '') === project);
  const row = rows.find(isMeant);
  if (row === undefined) throw new InvocationNotFoundError({ id });
  return { summary: toSummary(row), seq: Number(row[0]), birth: Number(row.at(-1)) };
}

function entriesOf(database: Database, decode: Decode, birth: number): FullLogEntry[] {
  return database
    .prepare('SELECT sequence, at, subject, headers, body FROM appends WHERE birth = ? ORDER BY sequence')
    .all([birth])
    .map((row) => decode(toEntry(row)));
}

function describe(database: Database, decode: Decode, query: Identity): InvocationDetail {
  const { summary, seq, birth } = find(database, query);
  const entries = entriesOf(database, decode, birth);
  const request = entries.find((entry) => entry.kind === 'request' && entry.sequence === Math.floor(seq / PLACES));
  const payload = request?.kind === 'request' ? request.message.requests[seq % PLACES]?.payload : undefined;
  const facts = entries.flatMap((entry) => (entry.kind === 'append' ? entry.append.facts : []));
  const outcome = facts.find((fact) => fact.invocation === summary.id && fact.type === 'succeeded');
  const deliveries = database.prepare(
    `SELECT ${deliveryColumns} FROM deliveries d JOIN invocations i ON i.seq = d.invocation WHERE d.invocation = ?`,
  );
  return {
    ...summary,
    payload: payload ?? '',
    response: outcome?.type === 'succeeded' ? outcome.payload : null,
    deliveries: deliveries.all([seq]).map(toDelivery),
  };
}

function readTimeline(database: Database, decode: Decode, query: Identity): AnswerOf<'timeline'> {
  const { summary, seq, birth } = find(database, query);
  const refused = new Set(
    database
      .prepare("SELECT sequence, place FROM problems WHERE invocation = ? AND kind = 'refused'")
      .all([summary.id])
      .map(([sequence, place]) => `${sequence}/${place}`),
  );
  const transitions: AnswerOf<'timeline'>['transitions'] = [];
  for (const entry of entriesOf(database, decode, birth)) {
    if (entry.kind === 'request' && entry.sequence === Math.floor(seq / PLACES)) {
      const fact = entry.message.requests[seq % PLACES]?.fact;
      if (fact !== undefined) transitions.push({ sequence: entry.sequence, by: 'client', refused: false, fact });
    } else if (entry.kind === 'append') {
      entry.append.facts.forEach((fact, place) => {
        if (fact.invocation !== summary.id) return;
        transitions.push({ sequence: entry.sequence, by: entry.append.by, refused: refused.has(`${entry.sequence}/${place}`), fact });
      });
    }
  }
  return { id: summary.id, transitions };
}

const MOST_NODES = 500;

/** The whole chain that an invocation is part of, whichever of it was named; and those that ran one of it again. */
function readTree(database: Database, query: Identity): HistoryTree {
  const { summary } = find(database, query);
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
