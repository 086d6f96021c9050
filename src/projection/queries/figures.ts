import { projectOf } from '#src/core/names/addressable.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import type { LogFigures, LogUsage } from '#src/core/quotas/log-figures.ts';
import { STORED_PART } from '#src/projection/store/schema.ts';
import type { Database } from '#src/projection/store/sqlite.ts';
import type { Store } from '#src/projection/store/store.ts';

/** The first message of the log, and the last one that was archived. The janitor removes finished streams up to there. */
export type HeldLog = { first: number; archived: number };

/** Bounds the size of an answer: function names are unbounded. The functions that came after these share one name. */
const MAX_FUNCTIONS = 500;
const OTHERS = 'other';
/** Bounds the time of an answer: of later requests that have no attempt, none is the oldest. */
const MAX_QUEUED = 200_000;

/** The open invocations of each project, and with `held` the bytes that the log stores of each. The own project has an empty name. */
export function readUsage({ database, checkpoint }: Store, held: HeldLog | undefined): LogUsage {
  const open: Record<string, number> = {};
  for (const [name, value] of database.prepare("SELECT function, value FROM figures WHERE name = 'open' AND value > 0").all())
    addTo(open, projectOf(String(name)) ?? '', Number(value));
  const sequence = checkpoint?.sequence ?? 0;
  return held === undefined ? { sequence, open } : { sequence, open, stored: storedIn(database, held) };
}

/** The log stores the messages that are not archived, and the archived ones of streams with an open invocation. */
function storedIn(database: Database, { first, archived }: HeldLog): Record<string, number> {
  const stored: Record<string, number> = {};
  const kept = Math.max(Math.floor(first / STORED_PART), Math.floor(archived / STORED_PART));
  const parts = database.prepare('SELECT project, sum(bytes) FROM stored WHERE part >= ? GROUP BY project').all([kept]);
  for (const [project, bytes] of parts) addTo(stored, String(project), Number(bytes));
  const ofOpen = database
    .prepare(
      `SELECT s.function, sum(a.bytes) FROM (SELECT DISTINCT request_sequence, function FROM invocations INDEXED BY by_status
         WHERE (status, state) IN (VALUES ('WAIT','queued'),('RUNNING','running'),('RUNNING','retrying'),('SUCCESS','succeeded'),
           ('FAIL','failed'),('DISCARD','failed')) AND seq < ?) s
       JOIN appends a ON a.request_sequence = s.request_sequence AND a.sequence < ? GROUP BY 1`,
    )
    .all([kept * STORED_PART * MAX_BATCH, kept * STORED_PART]);
  for (const [name, bytes] of ofOpen) addTo(stored, projectOf(String(name)) ?? '', Number(bytes));
  return stored;
}

/** The counts of the log by function. The functions that the log had first keep names of their own. */
export function readFigures({ database, checkpoint }: Store, now: number): LogFigures {
  const names = database
    .prepare("SELECT function FROM figures WHERE name = 'accepted' ORDER BY rowid LIMIT ?")
    .all([MAX_FUNCTIONS])
    .map(([name]) => String(name));
  const known = new Set(names);
  const labelOf = (name: unknown): string => (known.has(String(name)) ? String(name) : OTHERS);
  const figures = new Map<string, LogFigures['figures'][number]>();
  let open = 0;
  for (const [name, fn, value] of database.prepare('SELECT name, function, value FROM figures').all()) {
    if (String(name).startsWith('open')) {
      open += Number(value);
      continue;
    }
    const key = `${labelOf(fn)} ${name}`;
    const found = figures.get(key) ?? { function: labelOf(fn), name: String(name), value: 0 };
    found.value += Number(value);
    figures.set(key, found);
  }
  return { sequence: checkpoint?.sequence ?? 0, open, figures: [...figures.values()], queued: readQueued(database, { now, labelOf }) };
}

type Queued = { now: number; labelOf: (name: unknown) => string };

function readQueued(database: Database, { now, labelOf }: Queued): LogFigures['queued'] {
  const queued = new Map<string, LogFigures['queued'][number]>();
  const rows = database
    .prepare(
      `SELECT function, min(CASE WHEN ifnull(first_due_at <= ?1, 1) THEN ifnull(first_due_at, accepted_at) END),
         sum(ifnull(first_due_at > ?1, 0))
       FROM (SELECT function, first_due_at, accepted_at FROM invocations INDEXED BY by_status WHERE status = 'WAIT' AND state = 'queued' LIMIT ?2)
       GROUP BY function`,
    )
    .all([now, MAX_QUEUED]);
  for (const [fn, since, delayed] of rows) {
    const found = queued.get(labelOf(fn)) ?? { function: labelOf(fn), since: null, delayed: 0 };
    const dueSince = since === null ? found.since : Math.min(Number(since), found.since ?? Number.POSITIVE_INFINITY);
    queued.set(found.function, { ...found, since: dueSince, delayed: found.delayed + Number(delayed) });
  }
  return [...queued.values()];
}

function addTo(sums: Record<string, number>, name: string, value: number): void {
  sums[name] = (sums[name] ?? 0) + value;
}
