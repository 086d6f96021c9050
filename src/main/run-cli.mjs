import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Runs the `sequent` command line in this process. Signals and the exit code therefore need no forwarding. */
export async function runCli(args) {
  const { register } = await import('tsx/esm/api');
  // The compiler settings of this checkout apply in every working directory.
  register({ tsconfig: join(fileURLToPath(new URL('../..', import.meta.url)), 'tsconfig.json') });
  process.argv.splice(2, Infinity, ...args);
  await import('../cli/cli.ts');
}
