import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestRunner } from 'vitest';
import { ownerAddress } from '#test/support/nats/owner-address.ts';
import { commandLine } from './command-line.ts';
import { runInProcess, runsInProcess } from './in-process.ts';
import { chosenServer } from './passed-on.ts';

/** A command that runs in this process changes the working directory, so the default folder of a command is the repository. */
const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));

export type CliRun = { code: number | null; stdout: string; stderr: string };
export type CliOptions = {
  /** Text for stdin, which is then a pipe. By default stdin is `/dev/null`. */
  input?: string;
  env?: Record<string, string>;
  /** By default the root of the repository. */
  cwd?: string;
  /** A command that becomes the process, such as one that changes the user first. */
  prefix?: readonly string[];
  /** Options of Node itself. */
  execArgv?: readonly string[];
  /** Ends the command by SIGKILL after this time, with the exit code `null`. By default, it runs until it ends. */
  endAfterMs?: number;
  /** Called with the whole stdout so far. */
  onStdout?: (text: string, child: ChildProcess) => void;
  /** As `onStdout`. */
  onStderr?: (text: string, child: ChildProcess) => void;
};

/**
 * Runs a command without the settings of this machine's user: in this process when the command ends by itself and nobody watches or ends it,
 * and else as a process.
 */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const { input, cwd = root, onStdout, onStderr, execArgv, endAfterMs } = options;
  const env = environmentOf(options);
  const needsProcess = [onStdout, onStderr, execArgv, endAfterMs].some((option) => option !== undefined);
  const run =
    needsProcess || !runsInProcess(args, env) ? await runCliProcess(args, options) : await runInProcess(args, { input, env, cwd });
  // A comparison with an expected exit code does not show why the command failed. The reporter does.
  const current = TestRunner.getCurrentTest();
  if (current !== undefined) current.meta.stderrOfLastCommand = run.code === 0 ? undefined : `${args.join(' ')}: ${run.stderr}`;
  return run;
}

/** Runs a command as a process, as a person does. */
export async function runCliProcess(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const child = spawnCli(args, options);
  const output = collect(child, options);
  child.stdin?.end(options.input);
  // A command that refuses its input early closes the pipe.
  child.stdin?.on('error', () => {});
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
}

function environmentOf({ env = {} }: CliOptions): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...chosenServer, ...env };
}

/** Runs a command against the server at a URL. The line of stderr that names this server is left out. */
export async function runCliOn(url: string, args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const { stderr, ...run } = await runCli(args, { ...options, env: { NATS_URL: url, ...options.env } });
  return { ...run, stderr: stderr.replace(`server ${url} (from NATS_URL)\n`, '') };
}

export function spawnCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  const { input, cwd = root, prefix = [], execArgv = [], endAfterMs } = options;
  const [program = process.execPath, ...rest] = [...prefix, process.execPath, ...execArgv, ...commandLine(), ...args];
  return spawn(program, rest, {
    cwd,
    env: environmentOf(options),
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(endAfterMs === undefined ? {} : { timeout: endAfterMs, killSignal: 'SIGKILL' }),
  });
}

function collect(child: ChildProcess, { onStdout, onStderr }: CliOptions = {}): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString();
    onStdout?.(output.stdout, child);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
    onStderr?.(output.stderr, child);
  });
  return output;
}

/** A `sequent serve` with its own NATS server in its own folder. */
export interface ServedSequent extends AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  /** The options by which the owner of the data folder connects. */
  readonly address: ReturnType<typeof ownerAddress>;
  readonly process: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Runs a command against it. */
  run(args: readonly string[], options?: CliOptions): Promise<CliRun>;
  /** Sends a signal; resolves to the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** By default the data is in a new folder, which the disposal removes. */
export async function serveSequent(
  args: readonly string[] = ['--deploy-examples'],
  given?: string,
  env: Record<string, string> = {},
  prefix: readonly string[] = [],
): Promise<ServedSequent> {
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'sequent-cli-')));
  const child = spawnCli(['serve', '--start-server', '--nats-port', '0', '--data', dataDir, ...args], { env, prefix });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const output = collect(child);
  const url = await readyUrl(child, output);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null) child.kill(signal);
    const [code] = await closed;
    return code;
  };
  return {
    url,
    dataDir,
    address: ownerAddress(url, dataDir),
    process: child,
    output,
    run: (command, options = {}) => runCli(command, { ...options, env: { SEQUENT_DATA: dataDir, ...options.env } }),
    end,
    async [Symbol.asyncDispose]() {
      await end('SIGTERM');
      if (given === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function readyUrl(child: ChildProcess, output: { stdout: string; stderr: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new Error(`sequent serve ended before it was ready:\n${output.stderr}`)));
    child.stdout?.on('data', () => {
      const url = /^sequent ready (\S+)/m.exec(output.stdout)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

/** A `sequent dev` on a folder, with its data in `<folder>/.sequent`. */
export interface DevelopedFolder extends AsyncDisposable {
  readonly url: string;
  readonly dataDir: string;
  stdout(): string;
  stderr(): string;
  /** Waits until stderr matches. */
  says(pattern: RegExp): Promise<void>;
  /** Waits until stdout matches. */
  prints(pattern: RegExp): Promise<void>;
  run(args: readonly string[]): Promise<CliRun>;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export async function startDev(folder: string, env: Record<string, string> = {}, args: readonly string[] = []): Promise<DevelopedFolder> {
  const dataDir = join(folder, '.sequent');
  const child = spawnCli(['dev', folder, '--nats-port', '0', '--http-port', '0', ...args], { env: { SEQUENT_LOG_LEVEL: 'warn', ...env } });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const output = collect(child);
  const url = await readyUrl(child, output);
  const until = (stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const onClose = (): void => reject(new Error(`sequent dev ended before its ${stream} matched ${pattern}:\n${output[stream]}`));
      const check = (): void => {
        if (!pattern.test(output[stream])) return;
        child[stream]?.off('data', check);
        child.off('close', onClose);
        resolve();
      };
      child[stream]?.on('data', check);
      child.once('close', onClose);
      check();
    });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null) child.kill(signal);
    return (await closed)[0];
  };
  return {
    url,
    dataDir,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    says: (pattern) => until('stderr', pattern),
    prints: (pattern) => until('stdout', pattern),
    run: (args) => runCli(args, { env: { SEQUENT_DATA: dataDir } }),
    end,
    async [Symbol.asyncDispose]() {
      await end('SIGTERM');
    },
  };
}
