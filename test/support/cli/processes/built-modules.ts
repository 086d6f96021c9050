import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPages } from '#src/main/roles/files/build-pages.ts';
import { BUILT } from '#test/support/cli/command-line.ts';
import { buildModules } from '../../../../build/modules.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Builds what a package contains, once for all projects of a test run: the commands of the tests start from it. */
export async function setup(): Promise<() => void> {
  if (process.env[BUILT] !== undefined) return () => {};
  // A folder of this run, so that another run in this checkout can neither change nor remove it.
  const folder = join(root, `node_modules/.cache/sequent-test-${process.pid}`);
  await buildModules(folder);
  buildPages({ say: (line) => process.stderr.write(`${line}\n`) });
  cpSync(join(root, 'src/web/dist'), join(folder, 'src/web/dist'), { recursive: true });
  process.env[BUILT] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
