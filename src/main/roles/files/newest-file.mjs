import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

// Plain JavaScript, because `install.mjs` uses it before any package is installed.

/** The time of the last change of a file or folder in milliseconds; 0 when it does not exist. */
export function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The time of the newest file at or below this path, in milliseconds. Built files (`dist`) do not count. */
export function newestIn(path) {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return modifiedAt(path);
  const below = readdirSync(path).filter((name) => !name.startsWith('dist'));
  return Math.max(0, ...below.map((name) => newestIn(join(path, name))));
}
