import { DAMAGED } from '#src/core/history-questions.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Database, OpenDatabase, Statement } from '#src/projection/store/sqlite.ts';

/** SQLite's codes for a malformed page, and for a file that is no database. Extended codes have theirs in the lowest byte. */
const CODES = [11, 26];
const NAMES = /^SQLITE_(?:CORRUPT|NOTADB)/;

/** Whether an error of SQLite says that the file is damaged, as libsql and as node:sqlite report it. */
export function isDamage(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  return (typeof code === 'string' && NAMES.test(code)) || (typeof errcode === 'number' && CODES.includes(errcode & 0xff));
}

/** A database that reports damage which any of its statements meets. The statement fails as before. */
export function watchDamage(database: Database, onDamage: (error: unknown) => void): Database {
  function watched<Result>(run: () => Result): Result {
    try {
      return run();
    } catch (error) {
      if (isDamage(error)) onDamage(error);
      throw error;
    }
  }
  return {
    exec: (sql) => watched(() => database.exec(sql)),
    close: () => database.close(),
    prepare(sql): Statement {
      const statement = watched(() => database.prepare(sql));
      return {
        run: (values) => watched(() => statement.run(values)),
        all: (values) => watched(() => statement.all(values)),
        get: (values) => watched(() => statement.get(values)),
        iterate: () => watched(() => statement.iterate()),
      };
    },
  };
}

const FIRST_PAUSE_IN_MS = 2_000;
const MAX_PAUSE_IN_MS = 60_000;
/** So many rebuilds are told in the status of a projection, the newest ones. */
export const MAX_REBUILDS = 100;
const FORGET_AFTER_MS = 3_600_000;

/** The files that were found damaged. A disk that damages each new file is filled again with growing pauses only. */
export class DamagedFiles {
  readonly #clock: Pick<Clock, 'now'>;
  #recent: { file: string; why: string; at: number }[] = [];

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** How long to wait before the file is replaced; `undefined` when the damage of the file is known already. */
  record(file: string, damage: string): number | undefined {
    const now = this.#clock.now();
    if (this.#recent.some((one) => one.file === file)) return undefined;
    this.#recent = this.#recent.filter(({ at }) => now - at < FORGET_AFTER_MS);
    const pauseInMs = this.#recent.length === 0 ? 0 : Math.min(FIRST_PAUSE_IN_MS * 2 ** (this.#recent.length - 1), MAX_PAUSE_IN_MS);
    this.#recent.push({ file, why: `${DAMAGED}: ${damage}`, at: now });
    return pauseInMs;
  }

  /** The reason for which a file is rebuilt; `undefined` for one that was not found damaged. */
  whyOf(file: string): string | undefined {
    return this.#recent.find((one) => one.file === file)?.why;
  }
}

/** The tables of a file that have pages. */
export function tablesWithPages(database: Database): string[] {
  const rows = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 ORDER BY name").all();
  return rows.map(([name]) => String(name));
}

/**
 * Reads all pages of a table and of its indexes from the disk. Returns the message of SQLite about a damaged page; `undefined` when no page
 * is damaged.
 */
export function findDamage(open: OpenDatabase, file: string, table: string): string | undefined {
  // An own connection has no pages in its cache.
  const database = open(file);
  try {
    database.exec('PRAGMA query_only = ON');
    const found = database.prepare(`PRAGMA quick_check("${table}")`).get()?.[0];
    return found === 'ok' ? undefined : String(found);
  } catch (error) {
    if (isDamage(error)) return (error as Error).message;
    throw error;
  } finally {
    database.close();
  }
}
