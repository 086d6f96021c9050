import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, OpenDatabase } from './sqlite.ts';
import { tryLock } from './sqlite-lock.ts';

/** A folder for the files of one read model, which no other process uses at the same time. */
export interface ModelFolder {
  readonly path: string;
  /** The file that is served, or was when the process ended. */
  readonly current: string | undefined;
  /** A file that nothing uses yet. */
  next(): string;
  /** From now on this file is the one: atomic, so that a crash leaves the old one or the new one. The others are removed. */
  choose(file: string): void;
  release(): void;
}

const MOST = 64;

/**
 * Takes the first free place under the folder, so that a process that starts again finds the file of the one that ended.
 *
 * The place is held by a lock of SQLite's, which ends with its process, however that ends.
 */
export function takeModelFolder(open: OpenDatabase, root: string): ModelFolder {
  for (let place = 0; place < MOST; place++) {
    const path = join(root, String(place));
    mkdirSync(path, { recursive: true });
    const lock = tryLock(open, join(path, 'owner.db'));
    if (lock !== undefined) return createFolder(path, lock);
  }
  throw new Error(`${root} already serves ${MOST} processes`);
}

function createFolder(path: string, lock: Database): ModelFolder {
  const pointer = join(path, 'current');
  const read = (): string | undefined => {
    try {
      const name = readFileSync(pointer, 'utf8').trim();
      return /^history-\d+\.db$/.test(name) ? name : undefined;
    } catch {
      return undefined;
    }
  };
  let current = read();
  let newest = Math.max(0, ...readdirSync(path).map((name) => Number(/^history-(\d+)\.db/.exec(name)?.[1] ?? 0)));
  return {
    path,
    get current() {
      return current === undefined ? undefined : join(path, current);
    },
    next() {
      newest++;
      return join(path, `history-${newest}.db`);
    },
    choose(file) {
      current = file.slice(path.length + 1);
      writeFileSync(`${pointer}.new`, current);
      renameSync(`${pointer}.new`, pointer);
      for (const name of readdirSync(path)) {
        if (name.startsWith('history-') && !name.startsWith(current)) rmSync(join(path, name), { force: true });
      }
    },
    release: () => lock.close(),
  };
}
