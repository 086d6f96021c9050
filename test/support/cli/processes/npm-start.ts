import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chosenServer, npmSettings } from '#test/support/cli/passed-on.ts';

const run = promisify(execFile);
/** A clone of the repository, and the user who runs commands in it: the words before each command, such as those of `setpriv`. */
export type Clone = { folder: string; as?: readonly string[]; env?: Record<string, string> };

/** A running `npm start`. */
export interface NpmStart {
  readonly readyInMs: number;
  /** The address of the pages. */
  readonly http: string;
  /** What the process wrote to stderr so far. */
  readonly said: string;
  /** Ends the process by SIGTERM; resolves to its exit code. */
  stop(): Promise<number | null>;
}

/** Clones this repository, as far as it is committed. */
export async function cloneRepository(folder: string): Promise<void> {
  await run('git', ['clone', '--quiet', '--no-hardlinks', new URL('../../../..', import.meta.url).pathname, folder]);
}

/** Gives a clone a copy of the packages of this checkout, which takes a tenth of the processor time of `npm ci`. */
export async function givePackages(folder: string): Promise<void> {
  const packages = fileURLToPath(new URL('../../../../node_modules', import.meta.url));
  // The caches of other tests change meanwhile. The copy of the lock file is newer than that of the clone, as after an installation.
  const copy = 'mkdir -p "$1" && cd "$0" && cp -a [!.]* .bin "$1" && cp .package-lock.json "$1"';
  await run('sh', ['-c', copy, packages, join(folder, 'node_modules')]);
}

/**
 * Gives a clone the pages of this checkout, unless nothing has built them: the build takes more processor time than the first start.
 * `test/timed/fresh-start.test.ts` has a start that builds them.
 */
export async function givePages(folder: string): Promise<void> {
  const pages = fileURLToPath(new URL('../../../../src/web/dist', import.meta.url));
  if (existsSync(join(pages, 'built'))) await cp(pages, join(folder, 'src/web/dist'), { recursive: true });
}

function environment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: process.env.HOME ?? '',
    npm_config_update_notifier: 'false',
    // A build would run beside the test, and disturb others.
    SEQUENT_BUILD: 'off',
    ...npmSettings,
    ...chosenServer,
  };
}

/** Runs `npm start` in a clone, as the README says. Resolves when the process prints that it is ready. */
export async function npmStart(clone: Clone): Promise<NpmStart> {
  const startedAt = performance.now();
  const [command, ...args] = wordsOf(clone, ['npm', 'start', '--', '--nats-port', '0', '--http-port', '0']);
  const child = spawn(command ?? '', args, {
    cwd: clone.folder,
    env: { ...environment(), ...clone.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  let http: string | undefined;
  for await (const line of createInterface(child.stdout)) {
    http = /^sequent ready \S+ .* http (\S+)$/.exec(line)?.[1];
    if (http !== undefined) break;
  }
  if (http === undefined) throw new Error(`npm start ended before it was ready:\n${said}`);
  child.stdout.resume();
  return {
    readyInMs: performance.now() - startedAt,
    http,
    get said() {
      return said;
    },
    async stop() {
      child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
  };
}

/** Runs a command of `sequent` in a clone; resolves to its stdout. */
export async function npxSequent(clone: Clone, args: readonly string[]): Promise<string> {
  const [command = '', ...rest] = wordsOf(clone, ['npx', 'sequent', ...args]);
  return (await run(command, rest, { cwd: clone.folder, env: { ...environment(), ...clone.env } })).stdout;
}

/** Runs a script of a shell in a clone, as a reader of the README types it; resolves to its stdout. */
export async function shellIn(clone: Clone, script: string): Promise<string> {
  const [command = '', ...rest] = wordsOf(clone, ['sh', '-e', '-c', script]);
  return (await run(command, rest, { cwd: clone.folder, env: { ...environment(), ...clone.env } })).stdout;
}

function wordsOf({ as = [] }: Clone, words: readonly string[]): readonly string[] {
  return [...as, ...words];
}
