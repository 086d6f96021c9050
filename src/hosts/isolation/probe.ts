import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '#src/core/errors.ts';
import type { Abilities } from './plan.ts';
import { type Sandbox, sandboxCommand } from './sandbox-command.ts';
import { seccompFilter } from './seccomp.ts';

const ANSWER_WITHIN_MS = 10_000;

/** What this machine can do. Each ability is tried with the same command that later runs functions. */
export async function probeAbilities(uid: number): Promise<Abilities> {
  const isRoot = process.getuid?.() === 0;
  if (process.platform !== 'linux') {
    const why = `it needs Linux, and this is ${process.platform}`;
    return { isRoot, namespaces: why, otherUsers: why, filter: why };
  }
  const own = isRoot ? uid : undefined;
  const inNamespaces = { level: 'namespaces', uid: own, hasNetwork: false } as const;
  const asUser = { level: 'user', uid: own, hasNetwork: true } as const;
  const namespaces = await attempt(inNamespaces, ['true']);
  if (namespaces === true) return { isRoot, namespaces, otherUsers: isRoot || NOT_ROOT, filter: await tryFilter(inNamespaces) };
  if (!isRoot) return { isRoot, namespaces, otherUsers: NOT_ROOT, filter: NO_SANDBOX };
  const otherUsers = await attempt(asUser, ['true']);
  if (otherUsers !== true) return { isRoot, namespaces, otherUsers, filter: NO_SANDBOX };
  // A Node in the home folder of root is common.
  const canRunNode = (await attempt(asUser, ['test', '-x', process.execPath])) === true;
  const filter = await tryFilter(asUser);
  return { isRoot, namespaces, otherUsers: canRunNode || `other users cannot execute ${process.execPath}`, filter };
}

const NOT_ROOT = 'the worker is not started as root';
const NO_SANDBOX = 'there is no sandbox';

type Tried = Pick<Sandbox, 'level' | 'uid' | 'hasNetwork'>;

async function tryFilter(sandbox: Tried): Promise<true | string> {
  const filter = seccompFilter();
  if (filter === undefined) return `there is no filter for ${process.arch}`;
  const folder = await mkdtemp(join(tmpdir(), 'sequent-filter-'));
  const file = join(folder, 'seccomp.bpf');
  try {
    await chmod(folder, 0o755);
    await writeFile(file, filter, { mode: 0o644 });
    return await attempt(sandbox, ['true'], file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a command in a sandbox; why that fails otherwise. */
async function attempt(sandbox: Tried, [command, ...args]: [string, ...string[]], filter?: string): Promise<true | string> {
  const directory = await mkdtemp(join(tmpdir(), 'sequent-probe-'));
  try {
    return await run(sandboxCommand(sandbox, { directory, memoryInMb: 1, readable: [], filter, command, args }));
  } catch (error) {
    return messageOf(error);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function run({ command, args }: { command: string; args: readonly string[] }): Promise<true | string> {
  return new Promise((resolve) => {
    const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
    const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: ANSWER_WITHIN_MS, killSignal: 'SIGKILL' });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(0, 512);
    });
    child.on('error', (error) => resolve(messageOf(error)));
    child.on('close', (code, signal) => resolve(code === 0 || firstLine(output) || `${command} ended with ${code ?? signal}`));
  });
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
