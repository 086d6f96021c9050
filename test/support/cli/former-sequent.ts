import { execFile } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { npmSettings } from './passed-on.ts';

const run = promisify(execFile);
const checkout = new URL('../../..', import.meta.url).pathname;

/** The last commit before Sequent was a package. Its facts have version 2. */
const FORMER = '2ee889e4133986808f408a4fcc6e5a1e52c25e62';

/**
 * Puts the sources of an earlier version of Sequent into a folder. Returns the arguments by which Node starts its command line; `undefined`
 * when neither this clone nor its origin has the commit, as in a copy without history.
 */
export async function unpackFormerSequent(folder: string): Promise<string[] | undefined> {
  if (
    !(await succeeds('git', ['cat-file', '-e', `${FORMER}^{commit}`])) &&
    !(await succeeds('git', ['fetch', '--quiet', 'origin', FORMER]))
  )
    return undefined;
  const archive = join(folder, 'former.tar');
  await run('git', ['archive', '--output', archive, FORMER, 'machines', 'src', 'package.json', 'package-lock.json'], { cwd: checkout });
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

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return await run(program, args, { cwd: checkout }).then(
    () => true,
    () => false,
  );
}

function packageIn(folder: string): { version: string; dependencies: Record<string, string> } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as ReturnType<typeof packageIn>;
}
