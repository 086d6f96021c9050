import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { isHandlerFile } from '#src/cli/code/languages.ts';
import { isProgram } from '#src/core/functions/runtimes.ts';

/** Files that are no functions although they may mention a handler. */
const otherFiles = [
  { pattern: /^[._]/, why: 'its name begins with "_" or a dot' },
  { pattern: /\.(?:test|spec)\.[cm]?[jt]sx?$|^(?:test_.*|.*_test|conftest)\.py$/, why: 'it is a test' },
  { pattern: /\.config\.[cm]?[jt]sx?$/, why: 'it is the configuration of a tool' },
  { pattern: /\.d\.[cm]?ts$/, why: 'it holds types alone' },
] as const;
export const NO_HANDLER = 'it exports no handler and no function as its default';

export type IgnoredFile = { file: string; why: (typeof otherFiles)[number]['why'] | typeof NO_HANDLER };

/**
 * The files of a folder that may be functions, sorted. Folders of tools and of packages are left out. An empty file may be a function that
 * an editor is about to write.
 */
export function functionFilesIn(folder: string, dataDir: string): string[] {
  return handlerFilesIn(folder, dataDir).filter((path) => ignoredBecause(path) === undefined);
}

/** The other files of code in the folder, with the reason why each is no function. */
export function ignoredFilesIn(folder: string, dataDir: string): IgnoredFile[] {
  return handlerFilesIn(folder, dataDir).flatMap((file) => {
    const why = ignoredBecause(file);
    return why === undefined ? [] : [{ file, why }];
  });
}

function handlerFilesIn(folder: string, dataDir: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return isIgnoredFolder(path, dataDir) ? [] : handlerFilesIn(path, dataDir);
      return isHandlerFile(path) ? [path] : [];
    })
    .sort();
}

function ignoredBecause(file: string): IgnoredFile['why'] | undefined {
  const other = otherFiles.find(({ pattern }) => pattern.test(basename(file)));
  return other?.why ?? (isProgram(file) || mayHandle(file) ? undefined : NO_HANDLER);
}

/** Whether the files of a folder are no code of the user. */
export function isIgnoredFolder(path: string, dataDir: string): boolean {
  return resolve(path) === dataDir || /^(?:\.|node_modules$|__pycache__$|venv$)/.test(basename(path));
}

/** `orders.ts` is `orders`, and `orders/index.ts` and `orders/bootstrap` too. */
export function functionNameOf(file: string): string {
  const name = basename(file, extname(file));
  return name === 'index' || isProgram(file) ? basename(dirname(file)) : name;
}

function mayHandle(file: string): boolean {
  const text = readFileSync(file, 'utf8');
  return text === '' || /\bhandler\b/.test(text) || exportsFunctionByDefault(text);
}

/** Whether the default export is written as a function. An object or a value is none, such as the settings of a tool. */
export function exportsFunctionByDefault(text: string): boolean {
  return /^\s*export\s+default\s+(?:async\b\s*)?(?:function\b|\(|[\w$]+\s*=>)/m.test(text);
}
