import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/*
 * npm run changelog [-- <commit>]
 *
 * Fails when something that users see changed since a commit, and CHANGELOG.md got no line. By default the commit is where this branch left
 * main; on main it is the last commit or merge that changed CHANGELOG.md. A commit that needs no line says why in its last paragraph:
 * `Changelog: none, because …`. The client library needs a line with its number (test/unit/build/client-reference.test.ts).
 */

/** What users see, in files that tests compare with the code: so a refactoring changes none of them. */
const SEEN = /^docs\/(?:cli\.md|configuration\.md|conditions\.md|asyncapi\.json)$/;
/** The fields of package.json that users see. */
const FIELDS = ['bin', 'engines', 'exports', 'dependencies', 'peerDependencies'];

const gitIn = (folder) => (words) =>
  execFileSync('git', words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

function tryGit(git, words) {
  try {
    return git(words);
  } catch {
    return undefined;
  }
}

/** The commit to compare with; `undefined` without git, and in a clone that has no earlier one. */
function baseOf(git) {
  const head = tryGit(git, ['rev-parse', 'HEAD']);
  if (head === undefined) return undefined;
  for (const main of ['main', 'origin/main']) {
    const base = tryGit(git, ['merge-base', 'HEAD', main]);
    if (base !== undefined && base !== head) return base;
  }
  return tryGit(git, ['log', '--first-parent', '-1', '--format=%H', '--', 'CHANGELOG.md']) || tryGit(git, ['rev-parse', 'HEAD^1']);
}

/** The fields of package.json at a commit that users see. */
function fieldsAt(git, commit) {
  const manifest = JSON.parse(tryGit(git, ['show', `${commit}:package.json`]) ?? '{}');
  return JSON.stringify(FIELDS.map((field) => manifest[field]));
}

function seenBy(git, commit, parent) {
  const files = git(['diff', '--name-only', parent, commit]).split('\n');
  const isManifestSeen = files.includes('package.json') && fieldsAt(git, parent) !== fieldsAt(git, commit);
  return files.filter((file) => SEEN.test(file) || (isManifestSeen && file === 'package.json'));
}

/** What users see and what no line of the changelog tells: each file with the commit that changed it. */
export function untoldChanges(folder, given) {
  const git = gitIn(folder);
  const base = given ?? baseOf(git);
  if (base === undefined) return [];
  if (/^\+\s*\S/m.test(git(['diff', '--unified=0', base, 'HEAD', '--', 'CHANGELOG.md']).replace(/^\+\+\+.*$/m, ''))) return [];
  const commits = git(['rev-list', '--no-merges', `${base}..HEAD`])
    .split('\n')
    .filter((commit) => commit !== '');
  return commits.flatMap((commit) => {
    if (/^Changelog: none, \S/m.test(git(['log', '-1', '--format=%B', commit]))) return [];
    return seenBy(git, commit, `${commit}^`).map((file) => `${file} (${git(['log', '-1', '--format=%h %s', commit])})`);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const untold = untoldChanges(process.cwd(), process.argv[2]);
  if (untold.length > 0) {
    const advice = 'Add a line under Unreleased, or end the message of the commit with: Changelog: none, because …';
    process.stderr.write(`users see these changes, and CHANGELOG.md has no line about them:\n  ${untold.join('\n  ')}\n${advice}\n`);
    process.exitCode = 1;
  }
}
