import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { descendantsOf, exactCpuOf } from './processes.ts';

/** What each of a number of executions took: the processor time of the process and of those below it, in microseconds, and how many ended in a second. */
export type Counted = { own: number; below: number; perSecond: number };

/** A process of Node.js that executes something as often as a line of its input says, and then writes a line. */
export interface CountedProcess {
  /** Resolves when the process writes a line. */
  next(): Promise<void>;
  run(count: number): Promise<Counted>;
  close(): Promise<void>;
}

export function openCountedProcess(args: readonly string[], cwd?: string): CountedProcess {
  const child = spawn(process.execPath, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const pid = child.pid ?? 0;
  const used = () => ({ own: exactCpuOf(pid), below: descendantsOf(pid).reduce((sum, one) => sum + exactCpuOf(one), 0) });
  async function next(): Promise<void> {
    if ((await lines.next()).done) throw new Error(`${args.join(' ')} ended`);
  }
  return {
    next,
    async run(count) {
      const before = used();
      const startedAt = performance.now();
      child.stdin.write(`${count}\n`);
      await next();
      const perSecond = (count * 1_000) / (performance.now() - startedAt);
      const after = used();
      return { own: (after.own - before.own) / count, below: (after.below - before.below) / count, perSecond };
    },
    async close() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
