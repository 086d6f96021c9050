import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** The measured worker process. */
export type BenchWorker = {
  pid: number;
  /** Resident memory after a collection, in bytes. */
  memory(): Promise<number>;
  stop(): Promise<void>;
};

export async function startBenchWorker(url: string, env: Record<string, string> = {}): Promise<BenchWorker> {
  const script = new URL('../worker.ts', import.meta.url).pathname;
  // The flags of `npm start`. Reasons: docs/performance.md.
  const child = spawn(
    process.execPath,
    ['--max-semi-space-size=64', '--no-allocation-site-pretenuring', '--expose-gc', '--import', 'tsx', script],
    {
      env: { ...process.env, NATS_URL: url, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next();
  return {
    pid: child.pid ?? 0,
    async memory() {
      child.stdin.write('memory\n');
      const { value } = await lines.next();
      return (JSON.parse(value ?? '{}') as { rss: number }).rss;
    },
    async stop() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

const TICKS_PER_SECOND = 100;

/** The processor time that a process used so far, in microseconds. Linux only; 0 elsewhere. */
export function cpuOf(pid: number): number {
  const fields = readProc(`${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 1e6) / TICKS_PER_SECOND;
}

/** The processor time of a process, of all below it, and of its children that have ended, in microseconds. Linux only; 0 elsewhere. */
export function cpuOfTree(pid: number): number {
  const fields = readProc(`${pid}/stat`).split(') ')[1]?.split(' ') ?? [];
  const ended = ((Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * 1e6) / TICKS_PER_SECOND;
  return ended + [pid, ...descendantsOf(pid)].reduce((sum, one) => sum + cpuOf(one), 0);
}

/** The same as {@link cpuOf} in steps of a nanosecond, without the threads that have ended. Linux only; 0 elsewhere. */
export function exactCpuOf(pid: number): number {
  const threads = safely(() => readdirSync(`/proc/${pid}/task`), []);
  return threads.reduce((sum, thread) => sum + Number(readProc(`${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0), 0) / 1_000;
}

/** How often the threads of a process slept and woke up so far, without those that have ended. Linux only; 0 elsewhere. */
export function switchesOf(pid: number): number {
  const threads = safely(() => readdirSync(`/proc/${pid}/task`), []);
  const count = (thread: string): number =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readProc(`${pid}/task/${thread}/status`))?.[1] ?? 0);
  return threads.reduce((sum, thread) => sum + count(thread), 0);
}

/** The resident memory of a process in bytes. Linux only; 0 elsewhere. */
export function memoryOf(pid: number): number {
  return Number(readProc(`${pid}/statm`).split(' ')[1] ?? 0) * 4_096;
}

/** The resident memory of a process in bytes, in which a page that several processes share counts in parts. Linux only; 0 elsewhere. */
export function ownMemoryOf(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readProc(`${pid}/smaps_rollup`))?.[1] ?? 0) * 1_024;
}

/** The command line of a process, with spaces between its words. Linux only; empty elsewhere. */
function commandOf(pid: number): string {
  return readProc(`${pid}/cmdline`).replaceAll('\0', ' ');
}

/** The sums of a measure over the processes of Sequent, by their kind: its main process, those below it, and the programs (`bootstrap`) of functions. */
export function byKind(pid: number, measure: (pid: number) => number): Record<string, number> {
  const sums: Record<string, number> = { main: measure(pid), projection: 0, functions: 0, janitor: 0 };
  for (const child of descendantsOf(pid)) {
    const command = commandOf(child);
    const otherwise = /^\S*\/bootstrap /.test(command) ? 'programs' : 'functions';
    const kind = /projection-process|janitor-process/.exec(command)?.[0].split('-')[0] ?? otherwise;
    sums[kind] = (sums[kind] ?? 0) + measure(child);
  }
  return sums;
}

/** The process ids of the children of a process, and of theirs. */
export function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of safely(() => readdirSync('/proc'), [])) {
    const parent = Number(readProc(`${entry}/stat`).split(') ')[1]?.split(' ')[1] ?? Number.NaN);
    if (!Number.isNaN(parent)) parents.set(Number(entry), parent);
  }
  const isBelow = (one: number): boolean => {
    const parent = parents.get(one);
    return parent !== undefined && (parent === pid || isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow);
}

function readProc(path: string): string {
  return safely(() => readFileSync(`/proc/${path}`, 'utf8'), '');
}

function safely<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
