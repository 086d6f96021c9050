import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database, OpenDatabase } from './sqlite.ts';
import { tryLock } from './sqlite-lock.ts';

/** A folder for the files of one read model. No other process uses the folder at the same time. */
export interface ModelFolder {
  readonly path: string;
  /** The file of the live read model, or of the one that was live when the last process ended. */
  readonly current: string | undefined;
  /** Returns the path of a new file. */
  next(): string;
  /** Makes a file the current one and removes the others. Atomic: after a crash, either the old or the new file is current. */
  choose(file: string): void;
  release(): void;
}

const MAX_PROCESSES = 64;

/**
 * Takes the first free folder under the root. A restarted process therefore finds the file of the process that ended.
 *
 * A lock of SQLite's holds the folder. The operating system releases the lock when the process ends, however it ends.
 */
export function takeModelFolder(open: OpenDatabase, root: string): ModelFolder {
  for (let index = 0; index < MAX_PROCESSES; index++) {
    const path = join(root, String(index));
    mkdirSync(path, { recursive: true });
    const lock = tryLock(open, join(path, 'owner.db'));
    if (lock !== undefined) return createFolder(path, lock);
  }
  throw new Error(`${root} is used by ${MAX_PROCESSES} processes already; give this process another folder`);
}

function createFolder(path: string, lock: Database): ModelFolder {
  const pointer = join(path, 'current');
  let current = readPointer(pointer);
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

function readPointer(pointer: string): string | undefined {
  try {
    const name = readFileSync(pointer, 'utf8').trim();
    return /^history-\d+\.db$/.test(name) ? name : undefined;
  } catch {
    return undefined;
  }
}
