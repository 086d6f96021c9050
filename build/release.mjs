import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

/*
 * npm run release -- <version>
 *
 * Gives package.json and package-lock.json a number. A release also cuts the changelog: the section Unreleased gets the number and the day,
 * and an empty section Unreleased stands above it. `0.3.0-dev` begins the next version and leaves the changelog as it is.
 */

const NUMBER = /^\d+\.\d+\.\d+(?<dev>-dev)?$/;
const UNRELEASED = '## [Unreleased]\n';

/** The changelog with the section Unreleased cut as a release. Throws when that section is missing or empty, or the release exists. */
export function cutChangelog(text, version, day) {
  if (text.includes(`## [${version}]`)) throw new Error(`the changelog has a section ${version} already`);
  const at = text.indexOf(UNRELEASED);
  if (at < 0) throw new Error('the changelog has no section Unreleased');
  const behind = at + UNRELEASED.length;
  const end = text.indexOf('\n## [', behind);
  if (!/^- /m.test(text.slice(behind, end < 0 ? undefined : end)))
    throw new Error('the section Unreleased has no line, so nothing can be released');
  return `${text.slice(0, behind)}\n## [${version}] - ${day}\n${text.slice(behind)}`;
}

/** A manifest with another version: the first `"version"` of package.json, the first two of package-lock.json. */
export function withVersion(text, version, count) {
  let left = count;
  return text.replace(/^(\s*"version": ")[^"]*"/gm, (whole, key) => (left-- > 0 ? `${key}${version}"` : whole));
}

/** A file with the tag and the label of the image of this version. */
export function withImage(text, version) {
  return text.replace(/\bsequent:\d+\.\d+\.\d+(?:-dev)?\b/g, `sequent:${version}`).replace(/(image\.version=")[^"]*/g, `$1${version}`);
}

function release(version = '') {
  const found = NUMBER.exec(version);
  if (found === null) throw new Error('write it as: npm run release -- 0.2.0, or 0.3.0-dev');
  const change = (name, edit) => {
    const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
    writeFileSync(path, edit(readFileSync(path, 'utf8')));
  };
  if (found.groups.dev === undefined) change('CHANGELOG.md', (text) => cutChangelog(text, version, new Date().toISOString().slice(0, 10)));
  change('package.json', (text) => withVersion(text, version, 1));
  change('package-lock.json', (text) => withVersion(text, version, 2));
  for (const name of ['Dockerfile', 'docker-compose.yml', 'deploy/cluster.compose.yml', 'docs/deployment.md', 'docs/zh/deployment.md'])
    change(name, (text) => withImage(text, version));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    release(process.argv[2]);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
