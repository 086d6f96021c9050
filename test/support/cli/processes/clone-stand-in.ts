import { cp, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const checkout = new URL('../../../..', import.meta.url).pathname;
const entryPoints = [
  '../core/processes/lower-priority',
  'clone-build',
  'early-hang-up',
  'find-on-path',
  'install',
  'run-cli',
  'start',
  'supervise',
  'supervised',
  'sequent',
  'test',
  'roles/files/newest-file',
  'roles/processes/restart-pauses',
];

/** Writes a clone with the real entry points, and a stand-in of the command line that prints its arguments. It has no packages yet. */
export async function writeCloneStandIn(clone: string): Promise<void> {
  for (const file of ['package.json', 'tsconfig.json']) await cp(join(checkout, file), join(clone, file));
  for (const file of entryPoints) await cp(join(checkout, `src/main/${file}.mjs`), join(clone, `src/main/${file}.mjs`));
  await writeFile(join(clone, 'package-lock.json'), '{}');
  await utimes(join(clone, 'package-lock.json'), 0, 0);
  await mkdir(join(clone, 'src/cli'));
  await writeFile(
    join(clone, 'src/cli/cli.ts'),
    'const args: string[] = process.argv.slice(2);\nprocess.stdout.write(JSON.stringify(args));\n',
  );
}

/** Gives the clone the packages of this checkout. */
export async function linkPackages(clone: string): Promise<void> {
  await symlink(join(checkout, 'node_modules'), join(clone, 'node_modules'));
}
