import { open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findSqlite } from '#src/projection/store/sqlite.ts';

/** The pages before hold the schema. */
const FIRST_PAGE = 45;

/** Overwrites the pages of the rows of a read model, as a failing disk may. `folder` holds the folders of the processes. */
export async function overwritePages(folder: string): Promise<void> {
  const name = (await readdir(join(folder, '0'))).find((candidate) => /^history-\d+\.db$/.test(candidate)) ?? '';
  const file = join(folder, '0', name);
  const database = (await findSqlite())(file);
  // What the journal holds is in no page of the file yet.
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const size = Number(database.prepare('PRAGMA page_size').get()?.[0]);
  database.close();
  const pages = (await stat(file)).size / size;
  const handle = await open(file, 'r+');
  for (let page = FIRST_PAGE; page < pages; page++) await handle.write(Buffer.alloc(size, 0xa5), 0, size, page * size);
  await handle.close();
}

/**
 * Replaces each file of a read model by a text. `folder` holds the folders of the processes.
 *
 * The former files are removed first. A connection of libsql that is closed keeps its files open until its statements are collected, and
 * then reads the index of its journal, which is mapped into memory. A file that is shortened at that moment ends the process by SIGBUS.
 */
export async function replaceFiles(folder: string): Promise<void> {
  for (const name of await readdir(join(folder, '0'))) {
    if (!name.startsWith('history-')) continue;
    const file = join(folder, '0', name);
    await rm(file);
    await writeFile(file, 'not a database');
  }
}
