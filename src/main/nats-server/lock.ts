import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TimedOutError } from '#src/core/errors.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { findSqlite } from '#src/projection/store/sqlite.ts';
import { tryLock } from '#src/projection/store/sqlite-lock.ts';

const POLL_IN_MS = 20;

/**
 * Runs `use` while no other process, and no other caller in this one, holds the lock of the folder. The lock is SQLite's and ends with its
 * process, however that ends. Throws `TimedOutError` if the lock is not free within `waitInMs`.
 */
export async function withLock<Result>(folder: string, use: () => Promise<Result>, waitInMs = 120_000): Promise<Result> {
  await mkdir(folder, { recursive: true });
  const open = await findSqlite();
  const deadline = performance.now() + waitInMs;
  const file = join(folder, 'lock.db');
  let lock = tryLock(open, file);
  while (lock === undefined) {
    if (performance.now() > deadline) throw new TimedOutError({ what: `the lock on ${folder}`, afterMs: waitInMs });
    await systemClock.sleep(POLL_IN_MS);
    lock = tryLock(open, file);
  }
  try {
    return await use();
  } finally {
    lock.close();
  }
}
