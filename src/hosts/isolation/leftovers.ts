import { readdirSync, readFileSync, statSync } from 'node:fs';

/**
 * Ends the processes of a user that functions left behind.
 *
 * The parent of such a process ended, so an ancestor of this process adopted it, or this process did. The processes of other workers
 * on this machine have those workers as parents, and stay. `live` are the own children of that user.
 */
export function endLeftovers(uid: number, live: ReadonlySet<number>): void {
  const adopters = new Set(ancestorsOf(process.pid));
  const pids = new Set(processesOf(uid));
  for (const pid of pids) {
    const top = topOf(pid, pids);
    if (live.has(top) || !adopters.has(parentOf(top) ?? 0)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // The process ended meanwhile.
    }
  }
}

/** The highest ancestor of a process among `pids`. */
function topOf(pid: number, pids: ReadonlySet<number>): number {
  const parent = parentOf(pid);
  return parent === undefined || !pids.has(parent) ? pid : topOf(parent, pids);
}

/** A process and its ancestors. */
function ancestorsOf(pid: number): number[] {
  const parent = parentOf(pid);
  return parent === undefined || parent === 0 ? [pid] : [pid, ...ancestorsOf(parent)];
}

function parentOf(pid: number): number | undefined {
  try {
    // The name of the program, in parentheses, may contain spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

function processesOf(uid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && ownerOf(`/proc/${name}`) === uid)
    .map(Number);
}

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid;
}
