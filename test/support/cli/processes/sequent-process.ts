import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { commandLine } from '#test/support/cli/command-line.ts';
import { chosenServer } from '#test/support/cli/passed-on.ts';
import { dataFolderOf, removeDataFolder } from '#test/support/data-folders.ts';
import { bundledScript } from './bundled-script.ts';

/** A `sequent serve` in its own process, as an operator runs it. */
export interface SequentProcess extends AsyncDisposable {
  readonly pid: number;
  /** Sends a signal; returns the exit code. After SIGKILL and SIGTERM it waits for the end of the process. */
  signal(signal: NodeJS.Signals): Promise<number | null>;
  /** The line `sequent ready …`. */
  readonly readyLine: string;
  /** The end of stderr so far. */
  readonly stderr: string;
}

/**
 * Starts `sequent serve` with these arguments and environment; resolves when the process is ready. `command` starts the command line of
 * another version.
 *
 * Without `SEQUENT_DATA`, its data is in the folder of the test server that `NATS_URL` names, and else in a folder of its own, which is
 * removed when the process has ended.
 */
export async function startSequent(
  args: readonly string[],
  env: Record<string, string>,
  command: readonly string[] = commandLine(),
): Promise<SequentProcess> {
  const found = env.SEQUENT_DATA ?? dataFolderOf(env.NATS_URL);
  const own = found === undefined ? await mkdtemp(join(tmpdir(), 'sequent-process-')) : undefined;
  const removeOwn = async (): Promise<void> => (own === undefined ? undefined : await removeDataFolder(own));
  return await start([...command, 'serve', ...args], { SEQUENT_DATA: found ?? own ?? '', ...env }, removeOwn);
}

/** Starts a script that prints the same line when it is ready. */
export async function startScript(file: string, args: readonly string[]): Promise<SequentProcess> {
  return await start([...(await bundledScript(file)), ...args], {});
}

async function start(
  args: readonly string[],
  env: Record<string, string>,
  onExit = async (): Promise<void> => {},
): Promise<SequentProcess> {
  const child = spawn(process.execPath, args, {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      SEQUENT_LOG_LEVEL: 'warn',
      ...chosenServer,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-20_000);
  });
  const exited = once(child, 'exit').then(onExit);
  let readyLine: string | undefined;
  for await (const line of createInterface(child.stdout)) {
    if (!line.startsWith('sequent ready')) continue;
    readyLine = line;
    break;
  }
  if (readyLine === undefined) await exited;
  if (child.exitCode !== null) throw new Error(`node ${args.join(' ')} ended with ${child.exitCode}: ${stderr}`);
  child.stdout.resume();
  return {
    pid: child.pid ?? 0,
    readyLine: readyLine ?? '',
    get stderr() {
      return stderr;
    },
    async signal(signal) {
      child.kill(signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await exited;
      return child.exitCode;
    },
    async [Symbol.asyncDispose]() {
      await end(child, exited);
    },
  };
}

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGCONT');
  child.kill('SIGKILL');
  await exited;
}
