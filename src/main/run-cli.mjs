import { join } from 'node:path';
import { isClone, root } from './install.mjs';

/**
 * Runs the `sequent` command line in this process: a clone runs its sources, and a package what `npm run build` made of them.
 *
 * Signals and the exit code therefore need no forwarding.
 */
export async function runCli(args) {
  process.argv.splice(2, Infinity, ...args);
  if (!isClone()) return await import('../../dist/src/cli/cli.js');
  const { register } = await import('tsx/esm/api');
  // The compiler settings of this checkout apply in every working directory.
  register({ tsconfig: join(root, 'tsconfig.json') });
  await import('../cli/cli.ts');
}
