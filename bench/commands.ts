import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isBuildCurrent } from '#src/main/clone-build.mjs';

/*
 * npm run bench:commands
 *
 * Compares the time of a command of the package (`dist`, after `npm run build`) with that of the same command of a clone, which runs the
 * build too, and with that of the sources. The runs alternate, and the fastest of each kind counts, because other load of the machine only
 * adds time. `ls` asks a running Sequent.
 */

const ROUNDS = 7;
const path = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const ways = {
  package: [path('dist/src/cli/cli.js')],
  clone: [path('src/main/sequent.mjs')],
  sources: ['--import', import.meta.resolve('tsx'), path('src/cli/cli.ts')],
};

if (!isBuildCurrent(path(''))) throw new Error('there is no build of the present sources to measure: run npm run build first');

const folder = await mkdtemp(join(tmpdir(), 'sequent-commands-'));
const data = ['--data', join(folder, 'data')];
const serving = spawn(process.execPath, [...ways.package, 'serve', '--start-server', ...data, '--nats-port', '0', '--http-port', '0'], {
  stdio: ['ignore', 'pipe', 'ignore'],
});
const ended = once(serving, 'exit');
try {
  for await (const line of createInterface(serving.stdout)) if (line.startsWith('sequent ready')) break;
  serving.stdout.resume();
  for (const args of [['--help'], ['ls', ...data]]) compare(args);
} finally {
  serving.kill('SIGTERM');
  await ended;
  await rm(folder, { recursive: true, force: true });
}

function compare(args: readonly string[]): void {
  const best = { package: Number.POSITIVE_INFINITY, clone: Number.POSITIVE_INFINITY, sources: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of ['package', 'clone', 'sources'] as const) best[way] = Math.min(best[way], timeOf([...ways[way], ...args]));
  }
  const ratio = (best.sources / best.clone).toFixed(1);
  process.stdout.write(
    `sequent ${args[0]}: package ${best.package} ms, clone ${best.clone} ms, sources ${best.sources} ms, ratio ${ratio}\n`,
  );
}

/** In whole milliseconds, from the start of the process to its end. Throws when the command fails. */
function timeOf(args: readonly string[]): number {
  const startedAt = performance.now();
  const { error, status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (error !== undefined || status !== 0) throw error ?? new Error(`${args.join(' ')} ended with ${status}`);
  return Math.round(performance.now() - startedAt);
}
