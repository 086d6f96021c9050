import { lstatSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const NAME = '.sequent';

/**
 * The data folder of a command that names none: the nearest `.sequent` with a server in the working directory or above it, as git finds its
 * repository. `./.sequent` when there is none.
 *
 * The search ends at the home directory, or else at the root. A folder of another user is no data folder: its key and its address would
 * let this user command the server of a stranger.
 */
export function findDataFolder(from = process.cwd(), home = homedir()): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const candidate = join(folder, NAME);
    if (isOwnFolder(candidate) && isOwnFolder(join(candidate, 'nats'))) return candidate;
    if (folder === home || folder === dirname(folder)) return resolve(from, NAME);
  }
}

/** On a system without user ids, every folder counts as an own one. */
function isOwnFolder(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && (process.getuid === undefined || found.uid === process.getuid());
}
