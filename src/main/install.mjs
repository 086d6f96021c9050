import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOnPath } from './find-on-path.mjs';

// Plain JavaScript on Node's own modules, because this file runs before any package is installed.
// `npm start` and `sequent` install the npm packages, `npm test` the tools of the tests too, and `.ci/run` everything.

const OLDEST_NODE = [20, 19];
/** The folder of this package. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The programs that npm does not install, by the names of their Debian packages. */
const tools = [
  { packages: ['chromium'], neededBy: 'tests', why: 'the browser for the tests of the pages', isInstalled: isOnPath('chromium') },
  {
    packages: ['python3-moto', 'python3-flask-cors'],
    neededBy: 'tests',
    why: 'an S3 service for the tests of OBS and of the archive',
    // The command imports all its packages before it reads its arguments.
    isInstalled: () => spawnSync('moto_server', ['--help'], { stdio: 'ignore' }).status === 0,
  },
  { packages: ['openssl'], neededBy: 'tests', why: 'certificates for the tests of HTTPS destinations', isInstalled: isOnPath('openssl') },
  // The tests fetch a nats-server by themselves. CI names the one of Debian, and runs the tests again on the newest.
  { packages: ['nats-server'], neededBy: 'ci', why: 'the server of the first test run', isInstalled: isOnPath('nats-server') },
  { packages: ['docker-compose'], neededBy: 'ci', why: 'the check of docker-compose.yml', isInstalled: isOnPath('docker-compose') },
];

/**
 * Installs the npm packages that package-lock.json names, unless they are installed.
 *
 * Prints the reason and the command to stderr first. Ends the process with an explanation when this Node is too old or npm fails.
 */
export function installPackages() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    fail(`Sequent needs Node ${OLDEST_NODE.join('.')} or newer, and this is Node ${process.versions.node}`, 1);
  }
  const reason = missingPackages();
  if (reason === undefined) return;
  print(`${reason}; running "npm ci" in ${root}`);
  // stdout belongs to the program that runs next, so npm writes to stderr.
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

/**
 * Installs the missing tools with apt-get, as root on a system of the Debian family. Prints each package with its purpose first.
 *
 * Returns the packages that are still missing, and prints the command that installs them.
 *
 * @param {'tests' | 'ci'} purpose CI needs the tools of the tests too.
 */
export function installTools(purpose) {
  const needed = tools.filter(({ neededBy }) => purpose === 'ci' || neededBy === 'tests');
  let missing = needed.filter(({ isInstalled }) => !isInstalled());
  if (missing.length > 0 && process.getuid?.() === 0 && findOnPath('apt-get') !== undefined) {
    const install = ['install', '-y', '--no-install-recommends', ...packagesOf(missing)];
    print('the tests need programs that npm does not install:');
    for (const { packages, why } of missing) print(`  ${packages.join(' ')}: ${why}`);
    print(`running "apt-get ${install.join(' ')}"`);
    const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['-qq', ...install], options);
    missing = missing.filter(({ isInstalled }) => !isInstalled());
  }
  const packages = packagesOf(missing);
  if (packages.length > 0) print(`some tests will fail without these Debian packages; as root: apt-get install ${packages.join(' ')}`);
  return packages;
}

/** Whether this is a clone of the repository. A package contains no lock file. */
export function isClone() {
  return modifiedAt('package-lock.json') !== undefined;
}

/** Why the npm packages must be installed, or `undefined` when they are those of package-lock.json. */
function missingPackages() {
  const locked = modifiedAt('package-lock.json');
  // npm installed this package itself: its dependencies are in another folder.
  if (locked === undefined) return undefined;
  const installed = modifiedAt('node_modules/.package-lock.json');
  if (installed === undefined) return 'the npm packages are not installed';
  return installed < locked ? 'the npm packages are older than package-lock.json' : undefined;
}

function modifiedAt(file) {
  return statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs;
}

function isOnPath(command) {
  return () => findOnPath(command) !== undefined;
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
  installPackages();
}
