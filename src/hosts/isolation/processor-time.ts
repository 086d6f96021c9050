import { readFileSync } from 'node:fs';
import type { Cgroup } from './cgroups.ts';
import { readProcessTree } from './process-tree.ts';

/** A process with all its descendants. */
type Counted = { readonly pid: number | undefined; readonly cgroup?: Cgroup | undefined };

/** The time of one process, and of those of its descendants that it waited for, in milliseconds. */
type Times = { own: number; waited: number };

/** The kernel counts in hundredths of a second, whatever its own clock is. */
const MS_PER_TICK = 10;

/**
 * The processor time of a process and all its descendants. A cgroup counts all of it.
 *
 * Elsewhere it is read from `/proc`. A descendant that starts and ends between two reads counts when its parent waits for it.
 */
export class ProcessorTime {
  readonly #counted: Counted;
  #seen = new Map<number, Times>();
  #totalInMs = 0;

  constructor(counted: Counted) {
    this.#counted = counted;
  }

  /** The time that was used since the last read. */
  takeInMs(): number {
    const { pid, cgroup } = this.#counted;
    if (cgroup === undefined) return pid === undefined ? 0 : this.#readTree(pid);
    const before = this.#totalInMs;
    this.#totalInMs = cgroup.processorTimeInMs;
    return Math.max(0, this.#totalInMs - before);
  }

  #readTree(root: number): number {
    const found = new Map<number, Times>();
    let own = 0;
    let waited = 0;
    for (const pid of readProcessTree(root).pids) {
      const times = timesOf(pid);
      if (times === undefined) continue;
      const seen = this.#seen.get(pid) ?? { own: 0, waited: 0 };
      own += Math.max(0, times.own - seen.own);
      waited += Math.max(0, times.waited - seen.waited);
      found.set(pid, times);
    }
    // The time of a descendant that ended counted while it ran, and is part of what its parent waited for.
    for (const [pid, times] of this.#seen) if (!found.has(pid)) waited -= times.own + times.waited;
    this.#seen = found;
    return own + Math.max(0, waited);
  }
}

/** Pauses or continues a process and all its descendants. */
export function setPaused({ pid, cgroup }: Counted, isPaused: boolean): void {
  if (cgroup !== undefined) cgroup.freeze(isPaused);
  else if (pid !== undefined) for (const one of readProcessTree(pid).pids) signal(one, isPaused ? 'SIGSTOP' : 'SIGCONT');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process ended meanwhile.
  }
}

/** The fields `utime`, `stime`, `cutime` and `cstime`. The name of the program, in parentheses, may contain spaces and parentheses. */
function timesOf(pid: number): Times | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user = 0, system = 0, waitedUser = 0, waitedSystem = 0] = fields.slice(11, 15).map((ticks) => Number(ticks) * MS_PER_TICK);
    return { own: user + system, waited: waitedUser + waitedSystem };
  } catch {
    return undefined;
  }
}
