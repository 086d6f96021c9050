import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { splitLines } from './runtime/lines.mjs';
import { MAX_RESULT_BYTES } from './runtime/outcome.mjs';
import { lastBytes } from './runtime/output.mjs';

/** The longest line of a child: the largest result, where every character may need an escape of six. */
const MAX_LINE = 6 * MAX_RESULT_BYTES + 65_536;

/** How long an ended child may be survived by somebody who holds its pipes (a descendant that left the group). */
const PIPES_AFTER_EXIT_MS = 500;

/** How a child ended. `output` is the end of what it wrote past the runtime: a crash report, for example. */
export type ChildEnd = { code: number | null; signal: string | null; output: string; spawnError?: Error };

/** A child process, reduced to lines: written in batches, read as they come. */
export interface Child {
  readonly pid: number | undefined;
  write(line: string): void;
  /** Kills the process with its whole group. */
  kill(): void;
}

export type ChildEvents = {
  onLine(line: string): void;
  /** What the child, or a process it started, wrote to file descriptors 1 and 2 past the runtime. */
  onRawOutput(text: string): void;
  /** Called once, after everything that the child ever wrote has been read. */
  onEnd(end: ChildEnd): void;
};

export type ChildOptions = {
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
};

/** Starts a child as the leader of its own process group. A failure to start is reported as an end, never thrown. */
export function openChild({ command, args, env, cwd }: ChildOptions, events: ChildEvents): Child {
  let child: ChildProcess;
  try {
    child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] });
  } catch (error) {
    return failedChild(events, error);
  }
  if (child.pid === undefined) {
    child.on('error', (error) => events.onEnd({ code: null, signal: null, output: '', spawnError: error }));
    return unwritable;
  }
  // Once it has ended, the id may be somebody else's.
  const kill = () => {
    if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
  };
  watch(child, kill, events);
  return { pid: child.pid, write: batchedWriter(child.stdio[3] as Writable), kill };
}

const unwritable: Child = { pid: undefined, write: () => undefined, kill: () => undefined };

/** A child that could not even be tried. */
export function failedChild({ onEnd }: Pick<ChildEvents, 'onEnd'>, why: unknown): Child {
  const spawnError = why instanceof Error ? why : new Error(String(why));
  setImmediate(() => onEnd({ code: null, signal: null, output: '', spawnError }));
  return unwritable;
}

function watch(child: ChildProcess, kill: () => void, events: ChildEvents): void {
  let output = '';
  const accept = splitLines(events.onLine, MAX_LINE);
  const results = child.stdio[4] as Readable;
  results.setEncoding('utf8').on('data', (chunk: string) => {
    if (!accept(chunk)) kill();
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = lastBytes(output + text);
      events.onRawOutput(text);
    });
  }
  // A broken pipe is the end of the child, which is reported as such.
  for (const stream of child.stdio) stream?.on('error', () => undefined);
  // After a start that succeeded this is a signal that could not be sent.
  child.on('error', () => undefined);
  child.on('exit', (code, signal) => {
    // What it started and left behind goes with it.
    killGroup(child.pid);
    const closeAnyway = setTimeout(() => {
      for (const stream of child.stdio) stream?.destroy();
    }, PIPES_AFTER_EXIT_MS);
    child.on('close', () => {
      clearTimeout(closeAnyway);
      events.onEnd({ code, signal, output });
    });
  });
}

/** One write a turn of the event loop, however many lines it has. */
function batchedWriter(pipe: Writable): (line: string) => void {
  let lines = '';
  function flush(): void {
    const batch = lines;
    lines = '';
    pipe.write(batch);
  }
  return (line) => {
    if (lines === '') setImmediate(flush);
    lines += `${line}\n`;
  };
}

/** Kills a process group. Nothing happens when it is gone already. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody of the group is left.
  }
}
