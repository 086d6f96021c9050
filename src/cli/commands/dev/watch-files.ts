import { once } from 'node:events';
import { resolve } from 'node:path';
import { watch } from 'chokidar';
import { isIgnoredFolder } from './function-files.ts';

/** Several events of one save are one change. */
const SETTLE_IN_MS = 20;

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
  let working: Promise<void> = Promise.resolve();
  let listener: ((changed: ReadonlySet<string>) => Promise<void>) | undefined;

  function flush(): void {
    if (listener === undefined || changed.size === 0) return;
    const [batch, onChange] = [changed, listener];
    changed = new Set();
    working = working.then(() => onChange(batch));
  }

  watcher.on('all', (_event, path) => {
    changed.add(resolve(path));
    clearTimeout(timer);
    timer = setTimeout(flush, SETTLE_IN_MS);
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
      await watcher.close();
      await working;
    },
  };
}
