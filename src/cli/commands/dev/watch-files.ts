import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { watch } from 'chokidar';
import { isIgnoredFolder } from './function-files.ts';

/**
 * Several events of one save are one change. The time exceeds the 50 ms after a change during which chokidar reports no further change of
 * the same file: a file is read after every change that chokidar leaves out, such as the write by an editor that empties the file first.
 */
const SETTLE_IN_MS = 60;

/** The watcher lists a new folder before it watches the folder, and so misses a file that is saved in between: the folder is read again. */
const READ_AGAIN_AFTER_MS = 500;

export interface FileWatch extends AsyncDisposable {
  /** Watches further files, outside of the folder. */
  add(files: readonly string[]): void;
  /** Calls back with the changed, added and deleted files, also those since the start of the watch; never twice at a time. */
  forEach(onChange: (changed: ReadonlySet<string>) => Promise<void>): void;
}

/** Watches the files of a folder. Resolves when every later change is noticed. */
export async function watchFiles(folder: string, dataDir: string): Promise<FileWatch> {
  const watcher = watch(folder, {
    ignoreInitial: true,
    ignored: (path) => path !== folder && isIgnoredFolder(path, dataDir),
  });
  let changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const readings = new Set<NodeJS.Timeout>();
  let working: Promise<void> = Promise.resolve();
  let listener: ((changed: ReadonlySet<string>) => Promise<void>) | undefined;

  function flush(): void {
    if (listener === undefined || changed.size === 0) return;
    const [batch, onChange] = [changed, listener];
    changed = new Set();
    working = working.then(() => onChange(batch));
  }

  function notice(path: string): void {
    changed.add(resolve(path));
    clearTimeout(timer);
    timer = setTimeout(flush, SETTLE_IN_MS);
  }

  /** Reads a new folder again, once it is watched. Watches the files that the watcher missed, and reports them and the folder as changed. */
  function readAgain(path: string): void {
    const known = new Set(watcher.getWatched()[path]);
    const missed = namesIn(path).flatMap((name) => (known.has(name) ? [] : [join(path, name)]));
    watcher.add(missed);
    for (const each of [path, ...missed]) notice(each);
  }

  watcher.on('all', (_event, path) => notice(path));
  watcher.on('addDir', (path) => {
    const reading = setTimeout(() => {
      readings.delete(reading);
      readAgain(path);
    }, READ_AGAIN_AFTER_MS);
    readings.add(reading);
  });
  await once(watcher, 'ready');
  return {
    add: (files) => void watcher.add([...files]),
    forEach(onChange) {
      listener = onChange;
      flush();
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      for (const reading of readings) clearTimeout(reading);
      await watcher.close();
      await working;
    },
  };
}

/** The names in a folder; none if the folder is gone again. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
