import type { EventEmitter } from 'node:events';
import { fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import type { Command } from 'commander';

/**
 * What a command uses of the process that runs it. The entry point gives it those of its own process; a test gives its own, and runs
 * commands without a process for each.
 */
export interface Host {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: OutputWriter;
  readonly stderr: OutputWriter;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Emits `SIGINT`, `SIGTERM` and `SIGHUP`. */
  readonly signals: Pick<EventEmitter, 'on' | 'prependOnceListener' | 'removeListener' | 'removeAllListeners' | 'listeners' | 'emit'>;
  /** Whether stdin is a pipe or a file: not a terminal, not `/dev/null`, not closed. */
  isPiped(): boolean;
}

/** stdout or stderr. */
type OutputWriter = Pick<WriteStream, 'write' | 'isTTY' | 'columns' | 'writableNeedDrain' | 'once'> & NodeJS.WritableStream;

/** The host of a command that has this process for itself. */
export const processHost: Host = {
  // Opened on use: most commands read no stdin.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signals: process,
  isPiped() {
    try {
      const stdin = fstatSync(0);
      return stdin.isFIFO() || stdin.isFile() || stdin.isSocket();
    } catch {
      return false;
    }
  },
};

/** How a person types the command in this folder: by `npx` where npm started this process (a clone, an application), else by its name. */
export const typedCommand = ({ npm_command: byNpm }: Host['env']): string => (byNpm === undefined ? 'sequent' : 'npx sequent');

type Run = { host: Host; exitCode: number };

/** The run of each program, by its root command. */
const runs = new WeakMap<Command, Run>();

/** Remembers on which host a program runs. */
export function openRun(program: Command, host: Host): void {
  runs.set(program, { host, exitCode: 0 });
}

/** The run that a command belongs to: its host, and the exit code that the command decides. Throws for a program without one. */
export function runOf(command: Command): Run {
  let root = command;
  while (root.parent !== null) root = root.parent;
  const run = runs.get(root);
  if (run === undefined) throw new Error(`the program ${root.name()} runs on no host`);
  return run;
}
