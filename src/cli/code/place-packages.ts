import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { parseJson } from '#src/core/json/json.ts';
import { findPackage } from './trace-module.ts';

/** An import of a package by a file or a package at a path of the archive. */
export type Dependent = {
  /** The folder in the archive; empty for its root. */
  at: string;
  /** The file or folder from which the package is found on this machine. */
  from: string;
  name: string;
};

type Manifest = Partial<Record<'dependencies' | 'optionalDependencies' | 'peerDependencies', Record<string, string>>>;

/**
 * Places npm packages, and the packages that they depend on, in the `node_modules` folders of an archive, so that every file finds the
 * package that it finds on this machine. Returns the real folder of each path.
 *
 * A package that `provided` holds is left out: the folder is visible to the code where it runs.
 */
export function placePackages(imports: readonly Dependent[], provided?: string): Map<string, string> {
  const placed = new Map<string, string>();
  const waiting = [...imports];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { at, from, name } = next;
    const folder = findPackage(name, from);
    if (folder === undefined || isProvided(name, folder, provided)) continue;
    const visible = visibleAt(placed, at, name);
    if (visible === folder) continue;
    const path = posix.join(visible === undefined ? '' : at, 'node_modules', name);
    placed.set(path, folder);
    waiting.push(...dependenciesOf(folder).map((dependency) => ({ at: path, from: folder, name: dependency })));
  }
  return placed;
}

function isProvided(name: string, folder: string, provided: string | undefined): boolean {
  if (provided === undefined) return false;
  const candidate = join(provided, name);
  return existsSync(candidate) && realpathSync(candidate) === folder;
}

/** The package that Node finds from a folder of the archive. */
function visibleAt(placed: ReadonlyMap<string, string>, at: string, name: string): string | undefined {
  for (let folder = at === '' ? '.' : at; ; folder = dirname(folder)) {
    const found = placed.get(posix.join(folder, 'node_modules', name));
    if (found !== undefined || folder === '.') return found;
  }
}

/** Optional packages and peers may be absent. A package without a readable package.json has no dependencies that Node could find. */
function dependenciesOf(folder: string): string[] {
  const manifest = parseJson(readIfPresent(join(folder, 'package.json'))) as Manifest | undefined;
  return Object.keys({ ...manifest?.dependencies, ...manifest?.optionalDependencies, ...manifest?.peerDependencies });
}

function readIfPresent(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
