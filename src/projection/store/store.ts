import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Erasure } from '#src/core/log/erasure.ts';
import type { FullLogEntry, StreamName } from '#src/core/log/event-log.ts';
import type { StoredEntry } from '#src/core/log/log-source.ts';
import { MAX_BATCH } from '#src/core/names/ids.ts';
import type { Changes, LoadStream } from '#src/projection/fold/fold.ts';
import { streamFunctionOf } from '#src/projection/fold/folded-stream.ts';
import type { ProjectedInvocation } from '#src/projection/fold/projected-invocation.ts';
import { watchDamage } from '#src/projection/repair/damage.ts';
import { type Checkpoint, prepareCheckpoint, readCheckpoint } from './checkpoint.ts';
import { prepareErasing } from './erase.ts';
import { prepareRowWriter } from './row-writer.ts';
import { createTables, schemaVersion } from './schema.ts';
import { createSeenIds } from './seen-ids.ts';
import type { Database, OpenDatabase } from './sqlite.ts';
import { toEntry } from './to-entry.ts';

export interface Store {
  readonly database: Database;
  readonly checkpoint: Checkpoint | undefined;
  /** False after an erasure until no file holds the erased content any more. */
  readonly isClean: boolean;
  /** Stores the changes and the checkpoint in one transaction (P1). */
  save(changes: Changes, checkpoint: Checkpoint): void;
  /** Removes the invocations that an erasure covers. All earlier changes must be saved. */
  erase(erasure: Erasure, checkpoint: Checkpoint): void;
  /**
   * Truncates the journal after an erasure, unless another connection reads it. Call this function repeatedly.
   * A call costs nothing when the journal is clean.
   */
  clean(): void;
  /** Frees the pages of the file that are kept in memory. They are read again when a statement needs them. */
  releaseMemory(): void;
  load: LoadStream;
  close(): void;
}

type StoreOptions = {
  open: OpenDatabase;
  file: string;
  decode: (entry: StoredEntry) => FullLogEntry;
  /** A statement met a damaged page. */
  onDamage?: (error: unknown) => void;
};

/** Opens or creates the file. Returns `undefined` for a file of another version of Sequent or a damaged file: delete that file. */
export function openStore({ open, file, decode, onDamage = () => {} }: StoreOptions): Store | undefined {
  mkdirSync(dirname(file), { recursive: true });
  const database = openTables((path) => watchDamage(open(path), onDamage), file);
  if (database === undefined) return undefined;
  try {
    return new SqliteStore(database, decode);
  } catch {
    // The version can be read, and the tables are damaged.
    database.close();
    return undefined;
  }
}

class SqliteStore implements Store {
  readonly database: Database;
  readonly load: LoadStream;
  readonly #writeRows: ReturnType<typeof prepareRowWriter>;
  readonly #writeCheckpoint: ReturnType<typeof prepareCheckpoint>;
  readonly #erasing: ReturnType<typeof prepareErasing>;
  readonly #seen = createSeenIds();
  #checkpoint: Checkpoint | undefined;
  #isClean: boolean;

  constructor(database: Database, decode: StoreOptions['decode']) {
    this.database = database;
    this.#writeRows = prepareRowWriter(database);
    this.#writeCheckpoint = prepareCheckpoint(database);
    this.#erasing = prepareErasing(database, decode);
    this.#checkpoint = readCheckpoint(database);
    this.load = prepareLoad(database, decode, (id) => this.#seen.mayHave(id));
    // The journal holds older versions of pages, and the process that wrote it may have ended before truncating it.
    this.#isClean = truncateJournal(database);
  }

  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  get isClean(): boolean {
    return this.#isClean;
  }

  save(changes: Changes, checkpoint: Checkpoint): void {
    this.#transact(checkpoint, () => {
      for (const invocation of changes.invocations) this.#remember(invocation);
      this.#writeRows(changes);
    });
  }

  erase(erasure: Erasure, checkpoint: Checkpoint): void {
    const isSecret = erasure.scope === 'everywhere';
    if (isSecret) overwriteDeleted(this.database, true);
    try {
      this.#transact(checkpoint, () => {
        this.#erasing.erase(erasure, { sequence: checkpoint.sequence, at: checkpoint.at });
        // FTS5 only marks deleted errors until it rewrites its index.
        if (isSecret) this.database.exec("INSERT INTO error_words(error_words) VALUES ('optimize')");
      });
    } finally {
      if (isSecret) overwriteDeleted(this.database, false);
    }
    if (isSecret) this.#isClean = truncateJournal(this.database);
  }

  clean(): void {
    if (!this.#isClean) this.#isClean = truncateJournal(this.database);
  }

  releaseMemory(): void {
    this.database.exec('PRAGMA shrink_memory');
  }

  close(): void {
    this.database.close();
  }

  /** A stream is found by the id of its first invocation alone, and a stored one is known. */
  #remember({ seq, isStored, snapshot: { context } }: ProjectedInvocation): void {
    if (!isStored && seq % MAX_BATCH === 0) this.#seen.add(context.request?.invocation ?? '');
  }

  #transact(checkpoint: Checkpoint, write: () => void): void {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      write();
      this.#writeCheckpoint(checkpoint);
      this.database.exec('COMMIT');
    } catch (error) {
      rollBack(this.database);
      throw error;
    }
    this.#checkpoint = checkpoint;
  }
}

/** SQLite has rolled back by itself when the disk is full or a page is damaged, and then refuses this statement. */
function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK');
  } catch {}
}

/** Most requests are new. The greatest id at the start and a filter answer that without a query (docs/performance.md H10). */
function prepareLoad(database: Database, decode: StoreOptions['decode'], mayHave: (id: string) => boolean): LoadStream {
  const findStream = database.prepare('SELECT request_sequence, function FROM invocations WHERE id = ?');
  const readAppends = database.prepare(
    'SELECT sequence, at, subject, headers, body FROM appends WHERE request_sequence = ? ORDER BY sequence',
  );
  const greatestId = String(database.prepare('SELECT max(id) FROM invocations').get()?.[0] ?? '');
  return (name: StreamName) => {
    if (name.stream > greatestId && !mayHave(name.stream)) return undefined;
    const row = findStream.all([name.stream]).find(([, fn]) => streamFunctionOf(String(fn)) === name.function);
    if (row === undefined) return undefined;
    const requestSequence = Number(row[0]);
    return { requestSequence, entries: readAppends.all([requestSequence]).map((stored) => decode(toEntry(stored))) };
  };
}

function openTables(open: OpenDatabase, file: string): Database | undefined {
  let database: Database | undefined;
  try {
    database = open(file);
    database.exec(
      'PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 8000; PRAGMA secure_delete = ON',
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

/**
 * Whether the indexes of words overwrite deleted entries at once, which is slow. The tables always do (`secure_delete`): an update that
 * shortens or moves a row leaves its former bytes in the page, where a later erasure would not find them.
 */
function overwriteDeleted(database: Database, isOn: boolean): void {
  for (const table of ['payload_words', 'error_words']) {
    database.exec(`INSERT INTO ${table}(${table}, rank) VALUES ('secure-delete', ${isOn ? 1 : 0})`);
  }
}

/** Returns whether the journal is empty now. It is not while a check reads the tables. The next write reports a failing disk. */
function truncateJournal(database: Database): boolean {
  try {
    return Number(database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.[0] ?? 0) === 0;
  } catch {
    return false;
  }
}
