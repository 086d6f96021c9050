import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '#src/core/errors.ts';
import type { Abilities } from './plan.ts';
import { type Sandbox, sandboxCommand } from './sandbox-command.ts';

const ANSWER_WITHIN_MS = 10_000;

/** What this machine can do. Each ability is tried with the same command that later runs functions. */
export async function probeAbilities(uid: number): Promise<Abilities> {
  const isRoot = process.getuid?.() === 0;
  if (process.platform !== 'linux') {
    const why = `it needs Linux, and this is ${process.platform}`;
    return { isRoot, namespaces: why, otherUsers: why };
  }
  const own = isRoot ? uid : undefined;
  const namespaces = await attempt({ level: 'namespaces', uid: own, hasNetwork: false }, ['true']);
  if (namespaces === true || !isRoot) return { isRoot, namespaces, otherUsers: isRoot ? true : 'the worker is not started as root' };
  const otherUsers = await attempt({ level: 'user', uid: own, hasNetwork: true }, ['true']);
  if (otherUsers !== true) return { isRoot, namespaces, otherUsers };
  // A Node in the home folder of root is common.
  const canRunNode = (await attempt({ level: 'user', uid: own, hasNetwork: true }, ['test', '-x', process.execPath])) === true;
  return { isRoot, namespaces, otherUsers: canRunNode || `other users cannot execute ${process.execPath}` };
}

/** Runs a command in a sandbox; why that fails otherwise. */
async function attempt(sandbox: Omit<Sandbox, 'isRestricted'>, [command, ...args]: [string, ...string[]]): Promise<true | string> {
  const directory = await mkdtemp(join(tmpdir(), 'sequent-probe-'));
  try {
    return await run(sandboxCommand(sandbox, { directory, memoryInMb: 1, readable: [], command, args }));
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
