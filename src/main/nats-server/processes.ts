import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemClock } from '#src/core/clock.ts';

const run = promisify(execFile);
const STOP_LIMIT_IN_MS = 10_000;
const POLL_IN_MS = 10;

/** Whether a process is alive and is the nats-server of this configuration file: a number in a file may be anybody's by now. */
export async function belongsTo(pid: number, config: string): Promise<boolean> {
  return (await commandLineOf(pid)).includes(`-c ${config}`);
}

/** Ends a nats-server: SIGTERM, and SIGKILL after ten seconds. Resolves when it is gone. */
export async function endServer(pid: number, config: string): Promise<void> {
  const killAt = Date.now() + STOP_LIMIT_IN_MS;
  let asked: NodeJS.Signals | undefined;
  while (await belongsTo(pid, config)) {
    const due = Date.now() < killAt ? 'SIGTERM' : 'SIGKILL';
    if (asked !== due) sendSignal(pid, due);
    asked = due;
    await systemClock.sleep(POLL_IN_MS);
  }
}

/** A process that is gone, or only waits to be reaped, has none. */
async function commandLineOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    return (await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)])).stdout;
  } catch {
    return '';
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
