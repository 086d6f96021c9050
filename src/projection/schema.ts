import { createHash } from 'node:crypto';

/** The columns of an invocation, in the order of the table and of its rows. */
const columnTypes = {
  seq: 'INTEGER PRIMARY KEY',
  birth: 'INT',
  id: 'TEXT',
  function: 'TEXT',
  qualifier: 'TEXT',
  state: 'TEXT',
  status: 'TEXT',
  condition: 'TEXT',
  accepted_at: 'INT',
  started_at: 'INT',
  ended_at: 'INT',
  notified_at: 'INT',
  duration: 'INT',
  slow: 'INT',
  attempts: 'INT',
  retries: 'INT',
  lost: 'INT',
  root: 'TEXT',
  parent: 'TEXT',
  hop: 'INT',
  redrive_of: 'TEXT',
  error: 'TEXT',
  error_code: 'INT',
  last_sequence: 'INT',
  last_at: 'INT',
  fork: 'INT',
} as const;
export type InvocationColumn = keyof typeof columnTypes;
export const invocationColumns = Object.keys(columnTypes) as InvocationColumn[];

/**
 * The tables of the read model.
 *
 * `invocations.seq` is the sequence of the request times 64 plus the place in it: rows are only ever added at the end. `birth` is the
 * sequence of the first request of the stream, and keeps its appends together (0: of no stream). `slow` is the class of the duration, eight to a doubling, so that a
 * least duration is a few equalities. `last_sequence` and `last_at` are the message that changed the row last, and `fork` finds the rows
 * that changed after an earlier moment (`forks.ts`). The texts are indexed by words; they hold no rows of their own.
 */
export const createTables = `
CREATE TABLE invocations(${invocationColumns.map((column) => `${column} ${columnTypes[column]}`).join(', ')});
CREATE INDEX by_id ON invocations(id);
CREATE INDEX by_function ON invocations(function);
CREATE INDEX by_status ON invocations(status, state);
CREATE INDEX by_fork ON invocations(fork) WHERE fork IS NOT NULL;
CREATE INDEX by_attempts ON invocations(attempts) WHERE attempts <> 1;
CREATE INDEX by_slow ON invocations(slow, seq, duration);
CREATE INDEX by_qualifier ON invocations(qualifier) WHERE qualifier <> 'latest';
CREATE INDEX by_condition ON invocations(condition) WHERE condition IS NOT NULL;
CREATE INDEX by_root ON invocations(root) WHERE root IS NOT NULL;
CREATE INDEX by_parent ON invocations(parent) WHERE parent IS NOT NULL;
CREATE INDEX by_redrive_of ON invocations(redrive_of) WHERE redrive_of IS NOT NULL;
CREATE TABLE appends(birth INT, sequence INT, at INT, subject TEXT, headers TEXT, body, PRIMARY KEY(birth, sequence)) WITHOUT ROWID;
CREATE TABLE deliveries(invocation INT, destination TEXT, kind TEXT, param TEXT, state TEXT, tries INT, due_at INT, reason TEXT,
  PRIMARY KEY(invocation, destination)) WITHOUT ROWID;
CREATE INDEX deliveries_by_state ON deliveries(state, invocation);
CREATE TABLE problems(sequence INT, place INT, at INT, kind TEXT, invocation TEXT, why TEXT, PRIMARY KEY(sequence, place)) WITHOUT ROWID;
CREATE TABLE erasures(sequence INTEGER PRIMARY KEY, at INT, id TEXT, scope TEXT, function TEXT, before_at INT, until INT, asked_by TEXT, reason TEXT);
CREATE TABLE clock(bucket INTEGER PRIMARY KEY, first_at INT, last_at INT);
CREATE TABLE checkpoint(one INTEGER PRIMARY KEY, sequence INT, fingerprint TEXT, created TEXT, missing INT, at INT);
CREATE VIRTUAL TABLE payload_words USING fts5(text, content='', detail=none, columnsize=0);
CREATE VIRTUAL TABLE error_words USING fts5(text, content='', detail=none, contentless_delete=1);
`;

/** The tables whose rows are compared, row for row, with their order. */
export const comparedTables: Readonly<Record<string, string>> = {
  invocations: 'seq',
  appends: 'birth, sequence',
  deliveries: 'invocation, destination',
  problems: 'sequence, place',
  clock: 'bucket',
  erasures: 'sequence',
};

/** How many sequences a row of `clock` is about. */
export const CLOCK_BUCKET = 1_024;
/** How many characters of a payload are indexed. */
export const MAX_INDEXED = 4_096;

/** Changes with the tables and with the way they are filled: a file of another version is built anew. */
const FILLING = 2;
export const schemaVersion = Number.parseInt(createHash('sha1').update(`${createTables}${FILLING}`).digest('hex').slice(0, 7), 16);
