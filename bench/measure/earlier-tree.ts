import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the present tree. */
export const ownTree = fileURLToPath(new URL('../..', import.meta.url));

/** Places the sources of an earlier tree, with the present packages and files of benchmarks, into a folder that the end of this process removes. */
export function placeEarlierTree(revision: string, ...files: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sequent-base-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const parts = ['src', 'machines', 'package.json', 'tsconfig.json'];
  const archive = execFileSync('git', ['archive', revision, ...parts], { cwd: ownTree, maxBuffer: 1 << 30 });
  execFileSync('tar', ['-x', '-C', folder], { input: archive });
  symlinkSync(join(ownTree, 'node_modules'), join(folder, 'node_modules'));
  for (const file of files) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    cpSync(join(ownTree, file), join(folder, file));
  }
  return folder;
}
