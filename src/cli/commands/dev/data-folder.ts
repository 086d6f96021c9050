import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { usageProblem } from '#src/cli/problem.ts';
import { findOwnServer } from '#src/main/nats-server/running.ts';

/** Removes the data of earlier runs. Refuses a folder that a server uses, and one that Sequent did not make. */
export async function removeData(dataDir: string): Promise<void> {
  if (!existsSync(dataDir)) return;
  const own = await findOwnServer(dataDir);
  if (own !== undefined && own.state !== 'ended')
    throw usageProblem(
      'the data cannot be removed',
      own.state === 'running'
        ? `Sequent runs on ${dataDir}, with the NATS server ${own.server.url}`
        : `the NATS server of ${dataDir} runs (process ${own.pid}), and does not answer`,
      'stop it first (Ctrl-C in its terminal)',
    );
  const content = await readdir(dataDir);
  if (content.length > 0 && !content.includes('nats'))
    throw usageProblem('the data cannot be removed', `${dataDir} holds no data of Sequent`, '--data with another folder');
  await rm(dataDir, { recursive: true });
}

/**
 * Makes the packages of npm that a folder uses visible to the code where it runs, without a copy of them. Returns their folder.
 *
 * Node looks for a package in the folders above the code, and the code is unpacked below `codeDir`.
 */
export async function linkModules(folder: string, codeDir: string): Promise<string> {
  const modules = nearestModules(folder);
  await mkdir(codeDir, { recursive: true });
  const link = join(codeDir, 'node_modules');
  await rm(link, { force: true });
  await symlink(modules, link);
  return modules;
}

function nearestModules(folder: string): string {
  for (let parent = resolve(folder); parent !== dirname(parent); parent = dirname(parent)) {
    const candidate = join(parent, 'node_modules');
    if (existsSync(candidate)) return candidate;
  }
  return join(folder, 'node_modules');
}
