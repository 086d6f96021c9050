import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { isHandlerFile } from '#src/cli/code/languages.ts';

/** Files that are no functions although they may mention a handler: tests, settings of tools, and names that begin with `_` or a dot. */
const otherFile = /^[._]|\.(?:test|spec|config)\.[cm]?tsx?$|\.(?:test|spec|config)\.[cm]?js$/;

/**
 * The files of a folder that may be functions, sorted. Folders of tools and of packages are left out. An empty file may be a function that
 * an editor is about to write.
 */
export function functionFilesIn(folder: string, dataDir: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return isIgnoredFolder(path, dataDir) ? [] : functionFilesIn(path, dataDir);
      return isHandlerFile(path) && !otherFile.test(entry.name) && mayHandle(path) ? [path] : [];
    })
    .sort();
}

/** Whether the files of a folder are no code of the user. */
export function isIgnoredFolder(path: string, dataDir: string): boolean {
  return resolve(path) === dataDir || /^(?:\.|node_modules$)/.test(basename(path));
}

/** `orders.ts` is `orders`, and `orders/index.ts` too. */
export function functionNameOf(file: string): string {
  const name = basename(file, extname(file));
  return name === 'index' ? basename(dirname(file)) : name;
}

function mayHandle(file: string): boolean {
  const text = readFileSync(file, 'utf8');
  return text === '' || /\bhandler\b/.test(text);
}
