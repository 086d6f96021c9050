import type { Database, OpenDatabase } from './sqlite.ts';

/**
 * Locks a file until the database is closed or its process ends, however that ends; undefined while another holder has it. The file holds
 * no data.
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

/** SQLite's code 5, as libsql and as node:sqlite give it. */
function isBusy(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'SQLITE_BUSY' || errcode === 5;
}
