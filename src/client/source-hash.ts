import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** What the product consists of. Tests, documents and what a build makes are left out. */
const FOLDERS = ['machines', 'src'];
const isSource = (path: string): boolean => /\.(?:ts|tsx|mts|mjs|css|html)$/.test(path) && !path.split(sep).includes('dist');

/**
 * A name of the sources in a folder: equal for equal sources, with and without git, in every folder and at every time.
 *
 * Reading the sources takes some 40 ms. Only a process that runs from the sources, and a build, do so.
 */
export function hashOfSources(root: string): string {
  const hash = createHash('sha256');
  for (const folder of FOLDERS) {
    const paths = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(isSource).sort();
    for (const path of paths)
      hash
        .update(`${folder}/${path.replaceAll(sep, '/')}\0`)
        .update(readFileSync(join(root, folder, path)))
        .update('\0');
  }
  return hash.digest('hex').slice(0, 10);
}

/** The number of a build: a release has that of package.json; `0.2.0-dev` gets the name of its sources, as in `0.2.0-dev.1f3a5c7e9b`. */
export function numberOfBuild(version: string, root: string): string {
  return version.endsWith('-dev') ? `${version}.${hashOfSources(root)}` : version;
}
