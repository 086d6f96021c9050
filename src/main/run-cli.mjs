import { join } from 'node:path';
import { root, runsSources } from './install.mjs';

/** Commands that run for long and load modules later: a build that follows an edit would replace these modules. */
const RUNS_ROLES = ['serve', 'dev'];

/**
 * Runs the `sequent` command line in this process: from the sources, or from what `npm run build` made of them.
 *
 * Signals and the exit code therefore need no forwarding.
 */
export async function runCli(args) {
  process.argv.splice(2, Infinity, ...args);
  if (!runsSources({ unlessBuilt: !args.some((word) => RUNS_ROLES.includes(word)) })) return await import('../../dist/src/cli/cli.js');
  const { register } = await import('tsx/esm/api');
  // The compiler settings of this checkout apply in every working directory.
  register({ tsconfig: join(root, 'tsconfig.json') });
  await import('../cli/cli.ts');
}
