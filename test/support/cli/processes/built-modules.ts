import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPages } from '#src/main/roles/files/build-pages.ts';
import { BUILT } from '#test/support/cli/command-line.ts';
import { buildModules } from '../../../../build/modules.ts';
import { RUN_FOLDER } from './folder-of-run.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Builds what a package contains, once for all projects of a test run: the commands of the tests start from it. Opens the folder of the run. */
export async function setup(): Promise<() => void> {
  if (process.env[BUILT] !== undefined) return () => {};
  // A folder of this run, so that another run in this checkout can neither change nor remove it.
  const folder = join(root, `node_modules/.cache/sequent-test-${process.pid}`);
  await buildModules(folder);
  buildPages({ say: (line) => process.stderr.write(`${line}\n`) });
  cpSync(join(root, 'src/web/dist'), join(folder, 'src/web/dist'), { recursive: true });
  process.env[BUILT] = folder;
  const runFolder = mkdtempSync(join(tmpdir(), 'sequent-run-'));
  process.env[RUN_FOLDER] = runFolder;
  const before = packages();
  return () => {
    for (const one of [folder, runFolder]) rmSync(one, { recursive: true, force: true });
    // A test that adds a package changes what the tests after it build, run or copy.
    const added = packages().filter((name) => !before.includes(name));
    if (added.length > 0) throw new Error(`a test left ${added.join(' and ')} in node_modules`);
  };
}

/** Names that begin with a dot are caches. */
function packages(): string[] {
  return readdirSync(join(root, 'node_modules')).filter((name) => !name.startsWith('.'));
}
