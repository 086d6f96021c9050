import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OwnModule } from '#src/main/roles/own-module.ts';
import { BUILT } from '#test/support/cli/command-line.ts';

/*
 * Stands for `src/main/roles/own-module.ts` in the processes of the tests: roles that run in a test start their processes and threads from
 * the modules that the test run built. From the sources, the loader of TypeScript takes three times the processor time. Tests that start a
 * clone start from its sources.
 */

export function ownModule(name: string): OwnModule {
  return { file: builtFile(name), execArgv: [] };
}

export function ownThread(name: string): URL {
  return pathToFileURL(builtFile(name));
}

function builtFile(name: string): string {
  const built = process.env[BUILT];
  if (built === undefined) throw new Error(`a test that starts ${name} belongs to a kind that builds the modules (tiers.ts)`);
  return join(built, 'src/main/roles', `${name}.js`);
}
