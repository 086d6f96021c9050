import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { Cgroup } from '#src/hosts/isolation/cgroups.ts';
import { splitLines } from '#src/hosts/runtime/lines.mjs';
import { lastBytes } from '#src/hosts/runtime/output.mjs';

/**
 * How much raw output of a child is read in an interval. A process that writes more waits in its write, so that a flood takes a small part of
 * the time of this thread.
 */
const MAX_RAW_CHARACTERS = 4 * 1_048_576;
const RAW_INTERVAL_MS = 50;

/** How long the pipes may stay open after the end of the child: a descendant that left the process group may hold them. */
const PIPES_AFTER_EXIT_MS = 500;

/** How a child ended. `output` is the last part of its raw output, such as a crash report. */
export type ChildEnd = { code: number | null; signal: string | null; output: string; spawnError?: Error };

/** A child process as a pair of line streams. Lines are written in batches. */
export interface Child {
  readonly pid: number | undefined;
  /** The account of the process and its descendants, where the kernel keeps one. */
  readonly cgroup?: Cgroup | undefined;
  write(line: string): void;
  /** Kills the process and its process group. */
  kill(): void;
}

export type ChildEvents = {
  onLine(line: string): void;
  /** Whether a line of more than 64 KB that begins in this way may have this length. */
  isAllowed(start: string, length: number): boolean;
  /** A line is longer than allowed. Nothing further of the channel is read. */
  onTooLong(): void;
  /** Raw output: what the child, or a process that it started, wrote to file descriptors 1 and 2 without the runtime. */
  onRawOutput(text: string): void;
  /** Called once, after all output of the child was read. */
  onEnd(end: ChildEnd): void;
};

export type ChildOptions = {
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
};

/** Starts a child as the leader of its own process group. A failure to start is reported by `onEnd`, and never thrown. */
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
  // After the end of the child, another process may have its id.
  const kill = () => {
    if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
  };
  watch(child, events);
  return { pid: child.pid, write: batchedWriter(child.stdio[3] as Writable), kill };
}

const unwritable: Child = { pid: undefined, write: () => undefined, kill: () => undefined };

/** A child that did not start. */
export function failedChild({ onEnd }: Pick<ChildEvents, 'onEnd'>, cause: unknown): Child {
  const spawnError = cause instanceof Error ? cause : new Error(String(cause));
  setImmediate(() => onEnd({ code: null, signal: null, output: '', spawnError }));
  return unwritable;
}

function watch(child: ChildProcess, events: ChildEvents): void {
  let output = '';
  const acceptLines = lineReader(child.stdio[4] as Readable, events);
  const readAll = readInIntervals([child.stdout, child.stderr], (text) => {
    output = lastBytes(output + text);
    events.onRawOutput(text);
  });
  // A broken pipe means that the child ended, which `exit` reports.
  for (const stream of child.stdio) stream?.on('error', () => undefined);
  // After a successful start, an error means that a signal could not be sent.
  child.on('error', () => undefined);
  child.on('exit', (code, signal) => {
    // The processes that the child started and left behind end with it.
    killGroup(child.pid);
    readAll();
    const closeAnyway = setTimeout(() => {
      for (const stream of child.stdio) stream?.destroy();
    }, PIPES_AFTER_EXIT_MS);
    child.on('close', () => {
      clearTimeout(closeAnyway);
      acceptLines();
      events.onEnd({ code, signal, output });
    });
  });
}

/**
 * Reads lines after the raw output that came before them. A result and raw output are two pipes, and of two that are readable the kernel may name the
 * later one first. One read may also take a result that was written, after its raw output, when the kernel had named the pipes of this turn already.
 * The pipe of the raw output is named and read in the following turn of the event loop at the latest, so lines are accepted at its end.
 *
 * The returned function accepts all chunks that were read, and waits for no turn.
 */
function lineReader(results: Readable, { onLine, isAllowed, onTooLong }: ChildEvents): () => void {
  const accept = splitLines(onLine, isAllowed);
  /** The chunks of the turn before, and of this turn. Chunks of this turn need a further turn of their own. */
  let waiting: string[] = [];
  let arrived: string[] = [];
  let isBroken = false;
  function acceptChunks(chunks: readonly string[]): void {
    for (const chunk of chunks) {
      if (isBroken || accept(chunk)) continue;
      isBroken = true;
      onTooLong();
    }
  }
  function endTurn(): void {
    const due = waiting;
    waiting = arrived;
    arrived = [];
    if (waiting.length > 0) setImmediate(endTurn);
    acceptChunks(due);
  }
  results.setEncoding('utf8').on('data', (chunk: string) => {
    if (arrived.length === 0 && waiting.length === 0) setImmediate(endTurn);
    arrived.push(chunk);
  });
  return () => {
    const found = [...waiting, ...arrived];
    waiting = [];
    arrived = [];
    acceptChunks(found);
  };
}

/** Reads texts of streams, at most {@link MAX_RAW_CHARACTERS} in an interval. The returned function ends this bound. */
function readInIntervals(streams: readonly (Readable | null)[], onText: (text: string) => void): () => void {
  let left = MAX_RAW_CHARACTERS;
  let timer: NodeJS.Timeout | undefined;
  const resume = (): void => {
    timer = undefined;
    left = MAX_RAW_CHARACTERS;
    for (const stream of streams) stream?.resume();
  };
  for (const stream of streams) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      left -= text.length;
      if (left <= 0) {
        for (const one of streams) one?.pause();
        timer ??= setTimeout(resume, RAW_INTERVAL_MS);
      }
      onText(text);
    });
  }
  return () => {
    clearTimeout(timer);
    left = Number.POSITIVE_INFINITY;
    for (const stream of streams) stream?.resume();
  };
}

/** Writes once per turn of the event loop, however many lines there are (docs/performance.md H6). */
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

/** Kills a process group, if it still exists. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: the group has no process.
  }
}
