import { open, readdir, stat } from 'node:fs/promises';
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
