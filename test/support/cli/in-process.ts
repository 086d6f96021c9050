import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import type { Host } from '#src/cli/host.ts';
import { BUILT } from './command-line.ts';
import { inTurn } from './in-turn.ts';

/** What a command run in this process gets of its surroundings. */
type Given = { input?: string | undefined; env: Readonly<Record<string, string>>; cwd: string };
type Ran = { code: number; stdout: string; stderr: string };

/** Commands that run until a signal, that write to the streams of the process itself, or whose child does. */
const ofOwnProcess = new Set(['serve', 'dev', 'run', 'complete', 'completion']);

/** Whether a command can run in this process: one that ends by itself, and needs no setting of Node. */
export function runsInProcess(args: readonly string[], env: Readonly<Record<string, string>>): boolean {
  return !args.some((word) => ofOwnProcess.has(word)) && env.NODE_OPTIONS === undefined && env.TZ === undefined;
}

/**
 * Runs a command in this process, with streams and an environment of its own. It loads the modules that a process would load, and loads
 * them once.
 *
 * The language and the working directory belong to the whole process, so a command of another language or folder waits (`inTurn`). Nothing
 * ends a command of this process but the command itself.
 */
export async function runInProcess(args: readonly string[], given: Given): Promise<Ran> {
  const { runCommandLine } = await loadCommandLine();
  return await inTurn({ words: args.join(' '), place: placeOf(args, given), cwd: given.cwd }, async () => {
    const [stdout, stderr] = [new TextWriter(), new TextWriter()];
    const code = await runCommandLine(args, hostOf(given, stdout, stderr));
    return { code, stdout: stdout.text, stderr: stderr.text };
  });
}

async function loadCommandLine(): Promise<typeof import('#src/cli/command-line.ts')> {
  const built = process.env[BUILT];
  if (built === undefined) return await import('#src/cli/command-line.ts');
  return await import(pathToFileURL(join(built, 'src/cli/command-line.js')).href);
}

/** A pipe whose reader keeps everything. */
class TextWriter extends Writable {
  text = '';
  readonly isTTY = false;
  readonly columns = 0;

  constructor() {
    super({ decodeStrings: false });
  }

  override _write(chunk: string | Uint8Array, _encoding: string, done: () => void): void {
    this.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    done();
  }
}

function hostOf({ input, env }: Given, stdout: TextWriter, stderr: TextWriter): Host {
  return {
    stdin: Readable.from(input === undefined ? [] : [Buffer.from(input)]),
    stdout: stdout as unknown as Host['stdout'],
    stderr: stderr as unknown as Host['stderr'],
    env,
    signals: new EventEmitter(),
    isPiped: () => input !== undefined,
  };
}

/** Commands of one place may run side by side. */
function placeOf(args: readonly string[], { env, cwd }: Given): string {
  const locale = [env.LC_ALL, env.LC_MESSAGES, env.LC_CTYPE, env.LANG].join();
  // JSON is English in every locale.
  return JSON.stringify(locale === ',,,' ? [cwd] : [cwd, locale, args.some((word) => word.includes('json'))]);
}
