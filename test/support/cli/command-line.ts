import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../../../src/cli/cli.ts', import.meta.url));

/** The environment variable with the folder of the modules that a test run built (`built-modules.ts`). */
export const BUILT = 'SEQUENT_TEST_BUILD';

/**
 * The arguments by which Node starts the command line: the built modules of this test run, and the sources outside of a test run.
 *
 * A command starts from built modules in a third of the time.
 */
export function commandLine(): string[] {
  const built = process.env[BUILT];
  return built === undefined ? ['--import', import.meta.resolve('tsx'), sources] : [join(built, 'src/cli/cli.js')];
}
