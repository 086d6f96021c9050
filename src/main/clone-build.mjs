import { spawn } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { lowerPriority } from '../core/processes/lower-priority.mjs';
import { stampOf } from './roles/files/newest-file.mjs';

// Plain JavaScript on Node's own modules, because it decides what a command loads.

/** What `npm run build` reads. npm writes the last file at each installation, and `dist` contains some packages. */
const READ = ['src', 'machines', 'build', 'package.json', 'package-lock.json', 'tsconfig.json', 'node_modules/.package-lock.json'];
/** A tenth of the share of other processes. Beside a load of all cores, a build at 19 would take hours. */
const NICENESS = 10;

/** Names the present state of everything that a build reads. A build records the state of its start. */
export function stateOfSources(root) {
  return stampOf(root, READ);
}

/** Names the state of the modules with which every command starts. */
export function stateOfModules(dist) {
  const groups = readdirSync(dist).filter((name) => name.endsWith('.js'));
  return stampOf(dist, [...groups, 'src/cli/cli.js']);
}

/**
 * Whether `dist` is a whole build of exactly the present sources.
 *
 * Times alone cannot tell this: a file that was moved here, or removed, makes no time newer.
 */
export function isBuildCurrent(root) {
  const dist = join(root, 'dist');
  try {
    const [sources, modules] = readFileSync(join(dist, 'built'), 'utf8').split('\n');
    return sources === stateOfSources(root) && modules === stateOfModules(dist);
  } catch {
    return false;
  }
}

/** The folder in which the process of a build writes, until the build is whole. */
export function unfinishedBuild(root, pid) {
  return join(root, `dist-${pid}`);
}

/**
 * Builds `dist` at a low priority when it is not current, so that the next commands start sooner.
 *
 * The build ends with this process. `SEQUENT_BUILD=off` prevents it, and so does a folder that this user cannot write.
 *
 * @param {{ root: string; say: (line: string) => void }} options A build that failed is said. Commands then start from the sources.
 * @returns Whether a build was started.
 */
export function buildInBackground({ root, say }) {
  if (process.env.SEQUENT_BUILD === 'off' || !isWritable(root) || isBuildCurrent(root)) return false;
  const options = { cwd: root, stdio: 'ignore', detached: true };
  const build = spawn(process.execPath, ['--import', 'tsx', join('build', 'build.ts')], options);
  const failed = () => say('the build that makes commands start sooner failed; run "npm run build" to see why');
  build.once('error', failed);
  if (build.pid === undefined) return false;
  lowerPriority(build.pid, { leadsSession: true, niceness: NICENESS });
  build.unref();
  const end = () => endBuild(root, build.pid);
  process.once('exit', end);
  build.once('exit', (code) => {
    process.off('exit', end);
    if (code !== 0) failed();
  });
  return true;
}

/** A build has a process group of its own, because tsc and esbuild are processes too. */
function endBuild(root, pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The build has just ended.
  }
  rmSync(unfinishedBuild(root, pid), { recursive: true, force: true, maxRetries: 3 });
}

function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
