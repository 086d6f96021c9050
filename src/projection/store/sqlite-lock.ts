import type { Database, OpenDatabase } from './sqlite.ts';

/**
 * Locks a file until the returned database is closed or its process ends, however it ends. The file holds no data.
 *
 * Returns `undefined` while another connection holds the lock.
 */
export function tryLock(open: OpenDatabase, file: string): Database | undefined {
  const database = open(file);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

/** SQLite's code 5, as libsql and as node:sqlite report it. */
function isBusy(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'SQLITE_BUSY' || errcode === 5;
}
