import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findSqlite } from '#src/projection/store/sqlite.ts';

/**
 * Copies the folder of a read model, as if its process had ended. In a process that runs on, libsql closes a database and removes its
 * write-ahead log only when its statements are collected as garbage.
 */
export async function copyReadModel(folder: string, target: string): Promise<void> {
  const open = await findSqlite();
  for (const name of (await readdir(folder, { recursive: true })).filter((one) => one.endsWith('.db'))) {
    const database = open(join(folder, name));
    database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
    database.close();
  }
  await cp(folder, target, { recursive: true, filter: (path) => !/-(wal|shm)$/.test(path) });
}
