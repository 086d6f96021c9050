import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuildCurrent } from './clone-build.mjs';
import { findOnPath } from './find-on-path.mjs';
import { modifiedAt, newestIn } from './roles/files/newest-file.mjs';

// Plain JavaScript on Node's own modules, because this file runs before any package is installed.
// `npm start` and `sequent` install the npm packages, `npm test` the tools of the tests too, and `.ci/run` everything.

const OLDEST_NODE = [20, 19];
/** The folder of this package. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The programs that npm does not install, by the names of their Debian packages. */
const tools = [
  {
    packages: ['chromium-headless-shell'],
    neededBy: 'pages',
    why: 'the browser for the tests of the pages',
    isInstalled: isOnPath('chromium-headless-shell'),
  },
  {
    packages: ['python3-moto', 'python3-flask-cors'],
    neededBy: 'tests',
    why: 'an S3 service for the tests of OBS and of the archive',
    // The command imports all its packages before it reads its arguments.
    isInstalled: () => spawnSync('moto_server', ['--help'], { stdio: 'ignore' }).status === 0,
  },
  {
    packages: ['python3'],
    neededBy: 'tests',
    why: 'the interpreter for the tests of functions in Python',
    isInstalled: isOnPath('python3'),
  },
  { packages: ['openssl'], neededBy: 'tests', why: 'certificates for the tests of HTTPS destinations', isInstalled: isOnPath('openssl') },
  {
    packages: ['zsh', 'fish'],
    neededBy: 'tests',
    why: 'the shells for the tests of the completion',
    isInstalled: () => ['zsh', 'fish'].every((shell) => findOnPath(shell) !== undefined),
  },
  // The tests fetch a nats-server by themselves. CI names the one of Debian, and runs the tests again on the newest.
  { packages: ['nats-server'], neededBy: 'ci', why: 'the server of the first test run', isInstalled: isOnPath('nats-server') },
  { packages: ['golang-go'], neededBy: 'ci', why: 'the compiler for the client and the function in Go', isInstalled: isOnPath('go') },
  { packages: ['spin'], neededBy: 'ci', why: 'the model checker of the specification', isInstalled: isOnPath('spin') },
  { packages: ['gcc', 'libc6-dev'], neededBy: 'ci', why: 'the compiler for the model checker', isInstalled: isOnPath('gcc') },
  { packages: ['docker-compose'], neededBy: 'ci', why: 'the check of the compose files', isInstalled: isOnPath('docker-compose') },
];

/**
 * Installs the npm packages that package-lock.json names, unless they are installed. A clone that holds a build of its sources needs those
 * of the run time only.
 *
 * Prints the reason and the command to stderr first. Ends the process with an explanation when this Node is too old or npm fails.
 *
 * @param {{ forDevelopment?: boolean }} options Tests need the development packages, whatever was built.
 */
export function installPackages({ forDevelopment = false } = {}) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Sequent needs Node ${OLDEST_NODE.join('.')} or newer, and this is Node ${process.versions.node}`, 1);
  }
  const reason = missingPackages(forDevelopment);
  if (reason === undefined) return;
  const omitted = !forDevelopment && !hasDevelopmentPackages() && isBuilt() ? ['--omit=dev'] : [];
  const command = ['npm', 'ci', ...omitted].join(' ');
  print(`${reason}; running "${command}" in ${root}`);
  // No package needs its install script: esbuild's only shortens its start. A script would run with the rights of this user.
  // stdout belongs to the program that runs next, so npm writes to stderr.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status, error } = spawnSync(npm, ['ci', ...omitted, '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    env: { ...process.env, npm_config_omit: '', NODE_ENV: '' },
  });
  if (error !== undefined) fail(`"${command}" could not be started (${error.message})`, 1);
  if (status !== 0) fail(`"${command}" failed; the lines above say why`, status ?? 1);
  performance.mark('sequent-installed');
}

/**
 * Installs the missing tools with apt-get, as root on a system of the Debian family. Prints each package with its purpose first.
 *
 * Returns the packages that are still missing, and prints the command that installs them.
 *
 * @param {'tests' | 'ci'} purpose CI needs all tools. The tests of a person need no browser: those of the pages are skipped without one.
 */
export function installTools(purpose) {
  const needed = tools.filter(({ neededBy }) => purpose === 'ci' || neededBy === 'tests');
  let missing = needed.filter(({ isInstalled }) => !isInstalled());
  if (missing.length > 0 && process.getuid?.() === 0 && findOnPath('apt-get') !== undefined) {
    print('the tests need programs that npm does not install:');
    for (const { packages, why } of missing) print(`  ${packages.join(' ')}: ${why}`);
    print(`running "${installCommand(missing)}"`);
    const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...packagesOf(missing)], options);
    missing = missing.filter(({ isInstalled }) => !isInstalled());
  }
  if (missing.length > 0) print(`some tests will fail or are skipped without these Debian packages; as root: ${installCommand(missing)}`);
  const skipped = tools.filter(({ neededBy, isInstalled }) => purpose === 'tests' && neededBy === 'pages' && !isInstalled());
  if (skipped.length > 0) print(`the tests of the pages are skipped, because they need a browser; as root: ${installCommand(skipped)}`);
  return packagesOf(missing);
}

/**
 * Whether the program runs from its sources. A package has none to run, and a clone without development packages runs its build.
 *
 * @param {{ unlessBuilt: boolean }} options Whether a clone with development packages runs its build too, when that is current.
 */
export function runsSources({ unlessBuilt }) {
  if (!isClone()) return false;
  if (hasDevelopmentPackages()) return !(unlessBuilt && isBuildCurrent(root));
  return !isBuilt();
}

/** Whether this is a clone in which `npm run build` can run. */
export function canBuild() {
  return isClone() && hasDevelopmentPackages();
}

/** A package contains no lock file. */
function isClone() {
  return existsSync(join(root, 'package-lock.json'));
}

/** Whether `dist` holds what `npm run build` made of the present sources. */
function isBuilt() {
  const sources = ['src', 'machines', 'package-lock.json'].map((path) => newestIn(join(root, path)));
  return modifiedIn('dist/built') >= Math.max(...sources);
}

function hasDevelopmentPackages() {
  return modifiedIn('node_modules/vite/package.json') > 0;
}

/** Why the npm packages must be installed, or `undefined` when they are those of package-lock.json. */
function missingPackages(forDevelopment) {
  // npm installed this package itself: its dependencies are in another folder.
  if (!isClone()) return undefined;
  const installed = modifiedIn('node_modules/.package-lock.json');
  if (installed === 0) return 'the npm packages are not installed';
  if (installed < modifiedIn('package-lock.json')) return 'the npm packages are older than package-lock.json';
  if (hasDevelopmentPackages()) return undefined;
  if (forDevelopment) return 'the npm packages for development are not installed';
  const isOutdated = modifiedIn('dist/built') > 0 && !isBuilt();
  return isOutdated ? 'the sources are newer than their build, and the npm packages for development are not installed' : undefined;
}

function modifiedIn(file) {
  return modifiedAt(join(root, file));
}

function isOnPath(command) {
  return () => findOnPath(command) !== undefined;
}

function installCommand(list) {
  return `apt-get install -y --no-install-recommends ${packagesOf(list).join(' ')}`;
}

function packagesOf(list) {
  return list.flatMap(({ packages }) => packages);
}

function print(line) {
  process.stderr.write(`sequent: ${line}\n`);
}

function fail(line, code) {
  print(line);
  process.exit(code);
}

// As a program (`.ci/run`) it installs everything, and fails when a package is missing.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (installTools('ci').length > 0) process.exit(1);
  installPackages({ forDevelopment: true });
}
