import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startTestServer } from '#test/support/nats/nats-server.ts';

/*
 * npm run bench:commands
 *
 * Compares the time of a command of the package (`dist`, after `npm run build`) with that of the same command of the clone. The runs
 * alternate, and the fastest of each kind counts, because other load of the machine only adds time. `ls` asks a server without a read model.
 */

const ROUNDS = 7;
const path = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));
const ways = { package: [path('dist/src/cli/cli.js')], clone: ['--import', import.meta.resolve('tsx'), path('src/cli/cli.ts')] };

if (!existsSync(path('dist/src/cli/cli.js'))) throw new Error('there is no package to measure: run npm run build first');

await using server = await startTestServer();
for (const args of [['--help'], ['ls', '--server', server.url]]) {
  const best = { package: Number.POSITIVE_INFINITY, clone: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    for (const way of ['package', 'clone'] as const) best[way] = Math.min(best[way], timeOf([...ways[way], ...args]));
  }
  const ratio = (best.clone / best.package).toFixed(1);
  process.stdout.write(`sequent ${args[0]}: package ${best.package} ms, clone ${best.clone} ms, ratio ${ratio}\n`);
}

/** In whole milliseconds, from the start of the process to its end. */
function timeOf(args: readonly string[]): number {
  const startedAt = performance.now();
  const { error } = spawnSync(process.execPath, args, { stdio: 'ignore' });
  if (error !== undefined) throw error;
  return Math.round(performance.now() - startedAt);
}
