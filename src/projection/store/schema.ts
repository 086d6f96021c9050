import { createHash } from 'node:crypto';
import { FACTS_VERSION } from '#machines/facts.ts';

/** The columns of an invocation, in the order of the table and of its rows. */
const columnTypes = {
  seq: 'INTEGER PRIMARY KEY',
  request_sequence: 'INT',
  id: 'TEXT',
  function: 'TEXT',
  qualifier: 'TEXT',
  state: 'TEXT',
  status: 'TEXT',
  version: 'TEXT',
  condition: 'TEXT',
  accepted_at: 'INT',
  first_due_at: 'INT',
  started_at: 'INT',
  ended_at: 'INT',
  notified_at: 'INT',
  due_at: 'INT',
  waits_pool: 'TEXT',
  waits_key: 'TEXT',
  waits_since: 'INT',
  waits_kind: 'TEXT',
  priority: 'INT',
  duration: 'INT',
  duration_class: 'INT',
  attempts: 'INT',
  retries: 'INT',
  lost: 'INT',
  root: 'TEXT',
  parent: 'TEXT',
  hop: 'INT',
  redrive_of: 'TEXT',
  batch: 'TEXT',
  schedule: 'TEXT',
  opened_batch: 'TEXT',
  error: 'TEXT',
  error_type: 'TEXT',
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
 * - `invocations.seq` is the sequence of the request times `MAX_BATCH` plus the index in its message. Rows are only added at the end.
 * - `request_sequence` is the sequence of the first request of the stream. It groups the appends of the stream (0: of no stream).
 * - `first_due_at` is the due time of a delayed request; `due_at` is the due time of the next attempt, while the invocation waits for it.
 * - `waits_pool`, `waits_key`, `waits_since` and `waits_kind` are set while the next attempt waits for a flow.
 * - `priority` is null when the caller chose none.
 * - `opened_batch` marks the row of a batch itself, which lists and counts of invocations leave out.
 * - `version` is null before the first attempt, which resolves an alias.
 * - `duration_class` has eight classes per doubling, so that a minimum duration is a few equalities.
 * - `last_sequence` and `last_at` are the position of the message that changed the row last.
 * - `fork` finds the rows that changed after an earlier moment (`forks.ts`).
 * - `appends.bytes` is the size of the message, with the large payloads that the message refers to.
 * - `figures` has the counts of the log by function, and `stored` the bytes of each project in parts of `STORED_PART` sequences. An erasure leaves
 *   both as they are, so a rebuild after an erasure has smaller ones, and a check compares neither.
 * - `stats_counts` and `stats_lengths` are kept by `tallies.ts`; an empty `version` or `condition` there is null in the row.
 * - `problems.fact_index` is the index of the fact in its append (-1: a gap before the message).
 * - The text tables hold indexes of words and no text.
 */
export const createTables = `
CREATE TABLE invocations(${invocationColumns.map((column) => `${column} ${columnTypes[column]}`).join(', ')});
CREATE INDEX by_id ON invocations(id);
CREATE INDEX by_function ON invocations(function);
CREATE INDEX by_status ON invocations(status, state);
CREATE INDEX by_fork ON invocations(fork) WHERE fork IS NOT NULL;
CREATE INDEX by_attempts ON invocations(attempts) WHERE attempts <> 1;
CREATE INDEX by_duration_class ON invocations(duration_class, seq, duration);
CREATE INDEX by_qualifier ON invocations(qualifier) WHERE qualifier <> 'latest';
CREATE INDEX by_version ON invocations(version) WHERE version <> 'latest';
CREATE INDEX by_condition ON invocations(condition) WHERE condition IS NOT NULL;
CREATE INDEX by_root ON invocations(root) WHERE root IS NOT NULL;
CREATE INDEX by_parent ON invocations(parent) WHERE parent IS NOT NULL;
CREATE INDEX by_redrive_of ON invocations(redrive_of) WHERE redrive_of IS NOT NULL;
CREATE INDEX by_batch ON invocations(batch) WHERE batch IS NOT NULL;
CREATE INDEX by_batch_status ON invocations(batch, function, status, state) WHERE batch IS NOT NULL;
CREATE INDEX by_schedule ON invocations(schedule) WHERE schedule IS NOT NULL;
CREATE INDEX by_waits_pool ON invocations(waits_pool) WHERE waits_pool IS NOT NULL;
CREATE INDEX by_waits_key ON invocations(waits_key) WHERE waits_key IS NOT NULL;
CREATE INDEX by_waits_kind ON invocations(waits_kind) WHERE waits_kind IS NOT NULL;
CREATE INDEX by_priority ON invocations(priority) WHERE priority <> 4;
CREATE INDEX by_opened_batch ON invocations(opened_batch, function) WHERE opened_batch IS NOT NULL;
CREATE TABLE appends(request_sequence INT, sequence INT, at INT, subject TEXT, headers TEXT, body, bytes INT,
  PRIMARY KEY(request_sequence, sequence)) WITHOUT ROWID;
CREATE TABLE deliveries(invocation INT, destination TEXT, kind TEXT, param TEXT, state TEXT, tries INT, due_at INT, reason TEXT,
  PRIMARY KEY(invocation, destination)) WITHOUT ROWID;
CREATE INDEX deliveries_by_state ON deliveries(state, invocation);
CREATE TABLE problems(sequence INT, fact_index INT, at INT, kind TEXT, invocation TEXT, why TEXT,
  PRIMARY KEY(sequence, fact_index)) WITHOUT ROWID;
CREATE TABLE erasures(sequence INTEGER PRIMARY KEY, at INT, id TEXT, scope TEXT, function TEXT, before_at INT, until INT, asked_by TEXT, reason TEXT);
CREATE TABLE stats_counts(function TEXT, hour INT, version TEXT, state TEXT, condition TEXT, retries INT, n INT,
  PRIMARY KEY(function, hour, version, state, condition, retries)) WITHOUT ROWID;
CREATE TABLE stats_lengths(function TEXT, hour INT, version TEXT, kind TEXT, length INT, n INT,
  PRIMARY KEY(function, hour, version, kind, length)) WITHOUT ROWID;
CREATE TABLE clock(bucket INTEGER PRIMARY KEY, first_at INT, last_at INT);
CREATE TABLE figures(name TEXT, function TEXT, value REAL, PRIMARY KEY(name, function));
CREATE TABLE stored(project TEXT, part INT, bytes INT, PRIMARY KEY(project, part)) WITHOUT ROWID;
CREATE TABLE checkpoint(one INTEGER PRIMARY KEY, sequence INT, fingerprint TEXT, created TEXT, missing INT, at INT);
CREATE VIRTUAL TABLE payload_words USING fts5(text, content='', detail=none, columnsize=0);
CREATE VIRTUAL TABLE error_words USING fts5(text, content='', detail=none, contentless_delete=1);
`;

/** The tables that a check compares row by row, and the order of their rows. */
export const comparedTables: Readonly<Record<string, string>> = {
  invocations: 'seq',
  appends: 'request_sequence, sequence',
  deliveries: 'invocation, destination',
  problems: 'sequence, fact_index',
  clock: 'bucket',
  erasures: 'sequence',
  stats_counts: 'function, hour, version, state, condition, retries',
  stats_lengths: 'function, hour, version, kind, length',
};

/** How many sequences one row of `clock` covers. */
export const CLOCK_BUCKET = 1_024;
/** How many sequences one row of `stored` covers, so that a message costs no row. */
export const STORED_PART = 1_024;
/** How many characters of a payload are indexed. */
export const MAX_INDEXED = 4_096;

/** Increase this number when the same tables are filled differently. */
const CONTENT_VERSION = 4;
const version = `${createTables}${CONTENT_VERSION}/${FACTS_VERSION}`;
/**
 * Changes with the tables, with their content and with the version of the facts, because an earlier version could not read later facts. The
 * projection rebuilds a file of another version.
 */
export const schemaVersion = Number.parseInt(createHash('sha1').update(version).digest('hex').slice(0, 7), 16);
