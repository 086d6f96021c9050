import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

// Plain JavaScript on Node's own modules: `npm test` runs this before anything is installed.

/**
 * The file that a shell would run for this command: the first executable of the name in a folder of the PATH.
 *
 * @param {string} command
 * @returns {string | undefined}
 */
export function findOnPath(command, path = process.env.PATH ?? '') {
  const files = path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, command));
  return files.find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
