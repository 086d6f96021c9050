import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Plain JavaScript on Node's own modules: this runs before anything is installed.

const OLDEST_NODE = [20, 19];
const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Makes this checkout runnable: a Node that is new enough, and the dependencies that package-lock.json names.
 *
 * Says what it does in one line on stderr, and ends the process with an explanation when it cannot.
 */
export function bootstrap() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Sequent needs Node ${OLDEST_NODE.join('.')} or newer, and this is Node ${process.versions.node}`, 1);
  }
  const why = missingDependencies();
  if (why === undefined) return;
  process.stderr.write(`sequent: ${why}; running "npm ci" in ${root}\n`);
  // stdout belongs to what runs next: npm's goes to stderr.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status, error } = spawnSync(npm, ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    env: { ...process.env, npm_config_omit: '', NODE_ENV: '' },
  });
  if (error !== undefined) fail(`"npm ci" could not be started (${error.message})`, 1);
  if (status !== 0) fail('"npm ci" failed; the lines above say why', status ?? 1);
  performance.mark('sequent-installed');
}

/** Runs the `sequent` command line in this process, so that signals and the exit code need no forwarding. */
export async function runSequent(args) {
  const { register } = await import('tsx/esm/api');
  // Wherever the user stands: this checkout's own compiler settings.
  register({ tsconfig: join(root, 'tsconfig.json') });
  process.argv.splice(2, Infinity, ...args);
  await import('../cli/cli.ts');
}

/** Why the dependencies must be installed, or `undefined` when they are as package-lock.json says. */
function missingDependencies() {
  const locked = modifiedAt('package-lock.json');
  // A package that was itself installed by npm has its dependencies elsewhere, and no lock.
  if (locked === undefined) return undefined;
  const installed = modifiedAt('node_modules/.package-lock.json');
  if (installed === undefined) return 'its dependencies are not installed';
  return installed < locked ? 'its dependencies are older than package-lock.json' : undefined;
}

function modifiedAt(file) {
  return statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs;
}

function fail(what, code) {
  process.stderr.write(`sequent: ${what}\n`);
  process.exit(code);
}
