import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stateOfModules, stateOfSources, unfinishedBuild } from '#src/main/clone-build.mjs';
import { buildPages } from '#src/main/roles/files/build-pages.ts';
import { buildModules } from './modules.ts';
import { withBuiltSpecifiers } from './specifiers.ts';

/*
 * npm run build
 *
 * Writes the package into `dist`: one module and one declaration file for each source file, in the folders of the sources, and the pages.
 * A module finds other files relative to its own, so that no path differs between the sources and `dist`. tsc cannot write the modules:
 * it rewrites the extension of a relative import, and not of `#src/…`.
 *
 * A command may start from `dist` at any time, so the build is written into another folder, and takes its name when it is whole.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const next = unfinishedBuild(root, process.pid);

function buildDeclarations(): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'build'), '--outDir', next], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('tsc could not write the declarations; the lines above say why');
  for (const file of readdirSync(next, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.d.ts')) continue;
    const path = join(next, file);
    writeFileSync(path, withBuiltSpecifiers(readFileSync(path, 'utf8'), file));
  }
}

/** Removes what builds left that were killed. */
function removeUnfinished(): void {
  for (const name of readdirSync(root)) {
    const pid = Number(/^dist-(\d+)$/.exec(name)?.[1]);
    if (pid > 0 && !isRunning(pid)) rmSync(join(root, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Gives the whole build its name. A build that another process finished meanwhile is replaced too. */
function publish(): void {
  const former = join(next, 'former');
  if (existsSync(dist)) renameSync(dist, former);
  renameSync(next, dist);
  rmSync(join(dist, 'former'), { recursive: true, force: true });
}

removeUnfinished();
const startedAt = new Date();
const sources = stateOfSources(root);
rmSync(next, { recursive: true, force: true });
try {
  buildDeclarations();
  await buildModules(next);
  buildPages({ say: (line) => process.stderr.write(`${line}\n`) });
  cpSync(join(root, 'src/web/dist'), join(next, 'src/web/dist'), { recursive: true });
  // Written last: a clone runs the build only when this file names the present sources.
  writeFileSync(join(next, 'built'), `${sources}\n${stateOfModules(next)}\n`);
  // A file that changed during the build is newer.
  utimesSync(join(next, 'built'), startedAt, startedAt);
  publish();
} finally {
  rmSync(next, { recursive: true, force: true });
}
