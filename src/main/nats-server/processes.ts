import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { systemClock } from '#src/core/ports/clock.ts';

const run = promisify(execFile);
const STOP_LIMIT_IN_MS = 10_000;
const POLL_IN_MS = 10;

type Process = { pid: number; commandLine: string };

/**
 * The process ids of all nats-servers with this configuration file, independent of the process that started them.
 *
 * The search covers all processes. A pid in a file may belong to another program by now, and a process that started a
 * server may have been killed before it wrote the pid.
 */
export async function serversWith(config: string): Promise<number[]> {
  const processes = process.platform === 'linux' ? await processesOfLinux() : await processesOfPs();
  return processes.filter(({ commandLine }) => commandLine.includes(`-c ${config}`)).map(({ pid }) => pid);
}

export async function isRunning(pid: number, config: string): Promise<boolean> {
  return (await serversWith(config)).includes(pid);
}

/** Whether a signal stopped a process: SIGSTOP, or Ctrl-Z in a terminal. */
export async function isStopped(pid: number): Promise<boolean> {
  if (process.platform === 'linux') return /\) [Tt] /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
  return (await stateOfPs(pid)).startsWith('T');
}

async function stateOfPs(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim();
}

/** Ends a nats-server: SIGTERM, and SIGKILL after ten seconds. Resolves when the process has ended, and its port is free. */
export async function endServer(pid: number, config: string): Promise<void> {
  const killAt = performance.now() + STOP_LIMIT_IN_MS;
  let sent: NodeJS.Signals | undefined;
  while (await isRunning(pid, config)) {
    const due = performance.now() < killAt ? 'SIGTERM' : 'SIGKILL';
    if (sent !== due) sendSignal(pid, due);
    sent = due;
    await systemClock.sleep(POLL_IN_MS);
  }
  await untilEnded(pid);
}

/**
 * Resolves when a process that is about to end has closed its files and its port. Resolves at once for any other process.
 *
 * Linux frees the memory of such a process first, and its command line with it, so that a search no longer finds it. With a gigabyte of
 * memory, the port stays taken for tens of milliseconds.
 */
export async function untilEnded(pid: number): Promise<void> {
  // By then, the id may be that of a thread of the kernel, which has no command line either.
  const deadline = performance.now() + STOP_LIMIT_IN_MS;
  while (performance.now() < deadline && (await isEnding(pid))) await systemClock.sleep(POLL_IN_MS);
}

async function isEnding(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return (await stateOfPs(pid)).includes('E');
  if ((await commandLineOf(pid)) !== '') return false;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  // A zombie has closed its files, unless another thread of it still runs: the threads share them.
  return stat !== '' && !(/\) [ZX] /.test(stat) && threads.length <= 1);
}

/** A process that ends, and a zombie, have an empty command line, and so do not count as running. */
async function processesOfLinux(): Promise<Process[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  return await Promise.all(pids.map(async (pid) => ({ pid, commandLine: await commandLineOf(pid) })));
}

async function commandLineOf(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
  } catch {
    // The process ended after it was listed.
    return '';
  }
}

async function processesOfPs(): Promise<Process[]> {
  const { stdout } = await run('ps', ['-axww', '-o', 'pid=,args='], { maxBuffer: 64 * 1024 * 1024 });
  return stdout.split('\n').map((line) => ({ pid: Number.parseInt(line, 10), commandLine: line }));
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
