import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Erasure } from '#src/core/log/erasure.ts';
import type { FullLogEntry, StreamName } from '#src/core/log/event-log.ts';
import type { StoredEntry } from '#src/core/log/log-source.ts';
import { prepareForgetting } from './erase.ts';
import { type Changes, type LoadStream, streamFunctionOf } from './fold.ts';
import { deliveryRowsOf, errorOf, type ProjectedInvocation, rowOf } from './projected-invocation.ts';
import { createTables, invocationColumns, MAX_INDEXED, schemaVersion } from './schema.ts';
import { createSeenIds } from './seen-ids.ts';
import type { Database, OpenDatabase, Statement, Value } from './sqlite.ts';
import { toEntry } from './to-entry.ts';

/** Up to where the read model holds the log, and of which log. */
type Checkpoint = { sequence: number; fingerprint: string; created: string; missing: number; at: number };

export interface Store {
  readonly database: Database;
  readonly checkpoint: Checkpoint | undefined;
  /** What is stored and how far it goes are one transaction (P1). */
  save(changes: Changes, checkpoint: Checkpoint): void;
  /** Forgets what an erasure means; everything before it must be saved. */
  erase(erasure: Erasure, checkpoint: Checkpoint): void;
  /** Empties the journal of what was erased, unless somebody still reads it: to be called again and again. Costs nothing when there is nothing. */
  clean(): void;
  load: LoadStream;
  close(): void;
}

/** Opens the file, or makes it. One that another version of Sequent wrote, or that is damaged, is `undefined`: delete it. */
export function openStore({
  open,
  file,
  decode,
}: {
  open: OpenDatabase;
  file: string;
  decode: (entry: StoredEntry) => FullLogEntry;
}): Store | undefined {
  mkdirSync(dirname(file), { recursive: true });
  const database = openTables(open, file);
  if (database === undefined) return undefined;
  const saveCheckpoint = prepareCheckpoint(database);
  const write = prepareWriting(database, saveCheckpoint);
  const forgetting = prepareForgetting(database, decode);
  const readCheckpoint = database.prepare('SELECT sequence, fingerprint, created, missing, at FROM checkpoint');
  const findBirth = database.prepare('SELECT birth, function FROM invocations WHERE id = ?');
  const readAppends = database.prepare('SELECT sequence, at, subject, headers, body FROM appends WHERE birth = ? ORDER BY sequence');
  // Asking the file for each new request whether its id is known would cost a tenth of all.
  const greatest = String(database.prepare('SELECT max(id) FROM invocations').get()?.[0] ?? '');
  const seen = createSeenIds();
  let checkpoint = toCheckpoint(readCheckpoint.get());
  // The journal holds the pages as they were; whoever wrote it may have ended before it was emptied.
  let isClean = emptyJournal(database);

  return {
    database,
    get checkpoint() {
      return checkpoint;
    },
    save(changes, next) {
      database.exec('BEGIN IMMEDIATE');
      try {
        write(changes, next);
        for (const { invocation } of changes.members) seen.add(invocation.context.request?.invocation ?? '');
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
      checkpoint = next;
    },
    erase(erasure, next) {
      const isSecret = erasure.scope === 'everywhere';
      // What is deleted is overwritten, in the indexes too.
      if (isSecret) secure(database, true);
      database.exec('BEGIN IMMEDIATE');
      try {
        forgetting.forget(erasure, { sequence: next.sequence, at: next.at });
        // Errors are only marked as deleted there until it is written anew.
        if (isSecret) database.exec("INSERT INTO error_words(error_words) VALUES ('optimize')");
        saveCheckpoint(next);
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      } finally {
        if (isSecret) secure(database, false);
      }
      checkpoint = next;
      if (isSecret) isClean = emptyJournal(database);
    },
    clean() {
      if (!isClean) isClean = emptyJournal(database);
    },
    load(name: StreamName) {
      if (name.stream > greatest && !seen.mayHave(name.stream)) return undefined;
      const birth = findBirth.all([name.stream]).find(([, token]) => streamFunctionOf(String(token)) === name.function)?.[0];
      if (birth === undefined) return undefined;
      const entries = readAppends.all([birth]).map((row) => decode(toEntry(row)));
      return { birth: Number(birth), entries };
    },
    close: () => database.close(),
  };
}

function toCheckpoint(row: readonly Value[] | undefined): Checkpoint | undefined {
  if (row === undefined) return undefined;
  const [sequence, fingerprint, created, missing, at] = row;
  return {
    sequence: Number(sequence),
    fingerprint: String(fingerprint),
    created: String(created),
    missing: Number(missing),
    at: Number(at),
  };
}

function openTables(open: OpenDatabase, file: string): Database | undefined {
  let database: Database | undefined;
  try {
    database = open(file);
    database.exec(
      'PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -48000; PRAGMA wal_autocheckpoint = 8000',
    );
    const version = Number(database.prepare('PRAGMA user_version').get()?.[0] ?? 0);
    if (version === schemaVersion) return database;
    const isNew = Number(database.prepare('SELECT count(*) FROM sqlite_master').get()?.[0] ?? 0) === 0;
    if (!isNew) throw new Error('written by another version');
    database.exec(`BEGIN; ${createTables} PRAGMA user_version = ${schemaVersion}; COMMIT`);
    return database;
  } catch {
    database?.close();
    return undefined;
  }
}

/** Many rows a statement: a call costs more than a row. */
const GROUP = 64;

function prepareRows(database: Database, head: string, columns: number): (rows: readonly (readonly Value[])[]) => void {
  const place = `(${Array(columns).fill('?').join(',')})`;
  const one = database.prepare(`${head} VALUES ${place}`);
  const many = database.prepare(`${head} VALUES ${Array(GROUP).fill(place).join(',')}`);
  const values: Value[] = Array(GROUP * columns).fill(null);
  return (rows) => {
    let index = 0;
    for (; index + GROUP <= rows.length; index += GROUP) {
      let filled = 0;
      for (let row = index; row < index + GROUP; row++) for (const value of rows[row] ?? []) values[filled++] = value;
      many.run(values);
    }
    for (; index < rows.length; index++) one.run(rows[index] ?? []);
  };
}

function secure(database: Database, isOn: boolean): void {
  database.exec(`PRAGMA secure_delete = ${isOn ? 'ON' : 'OFF'}`);
  for (const table of ['payload_words', 'error_words']) {
    database.exec(`INSERT INTO ${table}(${table}, rank) VALUES ('secure-delete', ${isOn ? 1 : 0})`);
  }
}

/** Whether it is empty now: it is not while a check reads the tables. What is wrong with the disk, whoever writes next says. */
function emptyJournal(database: Database): boolean {
  try {
    return Number(database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.[0] ?? 0) === 0;
  } catch {
    return false;
  }
}

function prepareCheckpoint(database: Database): (checkpoint: Checkpoint) => void {
  const put = database.prepare('INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?, ?, ?)');
  return ({ sequence, fingerprint, created, missing, at }) => put.run([sequence, fingerprint, created, missing, at]);
}

function prepareWriting(
  database: Database,
  saveCheckpoint: (checkpoint: Checkpoint) => void,
): (changes: Changes, checkpoint: Checkpoint) => void {
  const addAppends = prepareRows(database, 'INSERT INTO appends', 6);
  const addInvocations = prepareRows(database, 'INSERT INTO invocations', invocationColumns.length);
  const putDeliveries = prepareRows(database, 'INSERT OR REPLACE INTO deliveries', 8);
  const addProblems = prepareRows(database, 'INSERT OR REPLACE INTO problems', 6);
  const addPayloads = prepareRows(database, 'INSERT INTO payload_words(rowid, text)', 2);
  const addErrors = prepareRows(database, 'INSERT INTO error_words(rowid, text)', 2);
  const removeError = database.prepare('DELETE FROM error_words WHERE rowid = ?');
  const update = prepareUpdate(database);
  const remove = database.prepare('DELETE FROM invocations WHERE seq = ?');
  const putClock = database.prepare(
    'INSERT INTO clock VALUES (?, ?, ?) ON CONFLICT(bucket) DO UPDATE SET first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)',
  );

  function putErrors(errors: readonly { member: ProjectedInvocation; error: string | null }[]): void {
    for (const { member } of errors) if (member.isStored) removeError.run([member.seq]);
    addErrors(errors.flatMap(({ member, error }) => (error === null ? [] : [[member.seq, error]])));
  }

  function putInvocations(members: readonly ProjectedInvocation[]): void {
    const added: Value[][] = [];
    const payloads: Value[][] = [];
    const errors: { member: ProjectedInvocation; error: string | null }[] = [];
    const deliveries: Value[][] = [];
    for (const member of members) {
      const error = errorOf(member);
      const row = rowOf(member, error);
      if (member.isStored) update(row);
      else {
        added.push(row);
        if (member.payload !== '') payloads.push([member.seq, member.payload.slice(0, MAX_INDEXED)]);
      }
      if (error !== member.storedError) errors.push({ member, error });
      for (const delivery of deliveryRowsOf(member)) deliveries.push(delivery);
    }
    putErrors(errors);
    for (const member of members) markStored(member, errorOf(member));
    addInvocations(added);
    addPayloads(payloads);
    putDeliveries(deliveries);
  }

  return ({ appends, members, problems, removed, clock }, checkpoint) => {
    // In the order of the table, they are nearly always added at its end.
    addAppends(appends.sort(byStream));
    for (const seq of removed) remove.run([seq]);
    putInvocations(members);
    addProblems(problems.map(({ sequence, place, at, kind, invocation, why }) => [sequence, place, at, kind, invocation, why]));
    for (const [bucket, { first, last }] of clock) putClock.run([bucket, first, last]);
    saveCheckpoint(checkpoint);
  };
}

/** Only what can change after birth: indexes of the rest stay as they are. */
const changing = invocationColumns
  .slice(invocationColumns.indexOf('state'))
  .filter((column) => !['accepted_at', 'root', 'parent', 'hop', 'redrive_of'].includes(column));
const places = changing.map((column) => invocationColumns.indexOf(column));

function prepareUpdate(database: Database): (row: readonly Value[]) => void {
  const statement: Statement = database.prepare(
    `UPDATE invocations SET ${changing.map((column) => `${column} = ?`).join(', ')} WHERE seq = ?`,
  );
  return (row) => statement.run([...places.map((place) => row[place] ?? null), row[0] ?? null]);
}

function markStored(member: ProjectedInvocation, error: string | null): void {
  member.isDirty = false;
  member.isStored = true;
  member.storedError = error;
  // Needed once, for the index of its words.
  member.payload = '';
}

function byStream(one: readonly Value[], other: readonly Value[]): number {
  return (one[0] as number) - (other[0] as number) || (one[1] as number) - (other[1] as number);
}
