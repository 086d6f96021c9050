import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LongCommand } from './commands.ts';

/** A command that takes longer hangs, and is ended. */
const LIMIT_IN_MINUTES = 300;
const PROGRESS_EVERY_MS = 60_000;
/** How much of the end of an output is read for a line of progress, and for a failure. */
const TAIL_BYTES = 4_000;
const LINES_OF_FAILURE = 20;
const MS_PER_MINUTE = 60_000;

export type Outcome = { name: string; result: string; minutes: number };

export type LongRun = {
  seed: number;
  /** The folder of the clone, in which the commands run. */
  cwd: string;
  /** The outputs of the commands that fail stay in this folder. */
  folder: string;
  say: (line: string) => void;
  /** Ends the command in progress. The further ones do not run. */
  signal: AbortSignal;
  limitInMs?: number;
  progressEveryMs?: number;
};

const PASSED = 'passed';
const NOT_RUN = 'not run';

/** Runs the commands one after another, and goes on after a failure. Each finds the seed in `SEQUENT_SEED`. */
export async function runCommands(commands: readonly LongCommand[], run: LongRun): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const startedAt = performance.now();
  for (const [index, one] of commands.entries()) {
    if (run.signal.aborted) {
      outcomes.push({ name: one.name, result: NOT_RUN, minutes: 0 });
      continue;
    }
    run.say(`== minute ${minutesSince(startedAt).toFixed(0)}, ${index + 1} of ${commands.length}, ${one.name}: ${one.command}`);
    outcomes.push(await runOne(one, run));
  }
  return outcomes;
}

/** The table of the outcomes. */
export function tableOf(outcomes: readonly Outcome[]): string[] {
  const rows = [['name', 'result', 'minutes'], ...outcomes.map(({ name, result, minutes }) => [name, result, minutes.toFixed(1)])];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map(
    ([name = '', result = '', minutes = '']) => `${name.padEnd(widths[0] ?? 0)}  ${result.padEnd(widths[1] ?? 0)}  ${minutes.padStart(7)}`,
  );
}

/** A command that did not run proves nothing either. */
export function hasFailed(outcomes: readonly Outcome[]): boolean {
  return outcomes.some(({ result }) => result !== PASSED);
}

async function runOne({ name, command }: LongCommand, run: LongRun): Promise<Outcome> {
  const { seed, folder, say } = run;
  const output = join(folder, `${name}.log`);
  const startedAt = performance.now();
  const file = openSync(output, 'w');
  writeSync(file, `SEQUENT_SEED=${seed} ${command}\n`);
  const result = await resultOf(command, {
    ...run,
    file,
    onProgress: () => say(`   ${name}, minute ${minutesSince(startedAt).toFixed(0)}: ${linesAtEnd(output).at(-1)}`),
  });
  closeSync(file);
  const minutes = minutesSince(startedAt);
  if (result === PASSED) {
    rmSync(output);
    say(`   ${name}: passed in ${minutes.toFixed(1)} minutes`);
  } else {
    for (const line of linesAtEnd(output).slice(-LINES_OF_FAILURE)) say(`   | ${line}`);
    say(`   ${name}: FAILED (${result}). The output is in ${output}. To repeat: npm run long -- --only ${name} --seed ${seed}`);
  }
  return { name, result, minutes };
}

type Started = LongRun & { file: number; onProgress: () => void };

/** Runs a command in a process group of its own, so that nothing that it started outlives it. */
async function resultOf(command: string, { seed, cwd, file, signal, onProgress, ...run }: Started): Promise<string> {
  const { limitInMs = LIMIT_IN_MINUTES * MS_PER_MINUTE, progressEveryMs = PROGRESS_EVERY_MS } = run;
  const env = { ...process.env, SEQUENT_SEED: String(seed) };
  const child = spawn('sh', ['-c', command], { cwd, env, detached: true, stdio: ['ignore', file, file] });
  let why: string | undefined;
  const end = (reason: string): void => {
    why ??= reason;
    endGroup(child.pid, 'SIGKILL');
  };
  const onAbort = (): void => end('interrupted');
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const progress = setInterval(onProgress, progressEveryMs);
  const limit = setTimeout(() => end(`over ${(limitInMs / MS_PER_MINUTE).toFixed(0)} minutes`), limitInMs);
  try {
    const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
    if (why !== undefined) return why;
    if (code === 0) return PASSED;
    return code === null ? `ended by ${killedBy}` : `exit code ${code}`;
  } finally {
    clearInterval(progress);
    clearTimeout(limit);
    signal.removeEventListener('abort', onAbort);
    endGroup(child.pid, 'SIGKILL');
  }
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // ESRCH: the group has no process.
  }
}

function linesAtEnd(path: string): string[] {
  const { size } = statSync(path);
  const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
  const file = openSync(path, 'r');
  readSync(file, bytes, 0, bytes.length, size - bytes.length);
  closeSync(file);
  return bytes.toString().trimEnd().split('\n');
}

function minutesSince(startedAt: number): number {
  return (performance.now() - startedAt) / MS_PER_MINUTE;
}
