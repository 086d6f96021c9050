import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The environment variable with the folder of a test run, which its set-up opens and removes (`built-modules.ts`). */
export const RUN_FOLDER = 'SEQUENT_TEST_FOLDER';

/**
 * Opens a folder that stays until the test run is over. Outside of a run it stays until this process ends.
 *
 * The workers of vitest run no `exit` handler, so they leave the removal to the set-up of the run.
 */
export function openFolderOfRun(name: string): string {
  const run = process.env[RUN_FOLDER];
  const folder = mkdtempSync(join(run ?? tmpdir(), `sequent-${name}-`));
  if (run === undefined) process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
