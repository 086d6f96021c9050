import { execFile } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { npmSettings } from '#test/support/cli/passed-on.ts';

const run = promisify(execFile);
const checkout = new URL('../../../..', import.meta.url).pathname;

/** The oldest recorded histories. The commit that recorded them is the oldest version whose log the present one must read. */
const HISTORIES = 'test/histories/0.2.0';

/**
 * Puts the sources of an earlier version of Sequent into a folder. Returns the arguments by which Node starts its command line; `undefined`
 * in a copy without history.
 */
export async function unpackFormerSequent(folder: string): Promise<string[] | undefined> {
  const former = await formerCommit();
  if (former === undefined) return undefined;
  const archive = join(folder, 'former.tar');
  await run('git', ['archive', '--output', archive, former, 'machines', 'src', 'package.json', 'package-lock.json'], { cwd: checkout });
  await run('tar', ['-xf', archive], { cwd: folder });
  const { dependencies } = packageIn(folder);
  const areInstalled = Object.entries(dependencies).every(([name, version]) => {
    const installed = join(checkout, 'node_modules', name);
    return existsSync(installed) && packageIn(installed).version === version;
  });
  if (areInstalled) symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  else await run('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: folder, env: { ...process.env, ...npmSettings } });
  return ['--import', import.meta.resolve('tsx'), join(folder, 'src/cli/cli.ts')];
}

async function formerCommit(): Promise<string | undefined> {
  const args = ['log', '--format=%H', '--diff-filter=A', '--reverse', '--', HISTORIES];
  const found = await run('git', args, { cwd: checkout }).catch(() => undefined);
  return found?.stdout.split('\n')[0] || undefined;
}

function packageIn(folder: string): { version: string; dependencies: Record<string, string> } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as ReturnType<typeof packageIn>;
}
