import { readdirSync, readFileSync } from 'node:fs';

/** The processes that descend from one process, and their memory. */
export type ProcessTree = { pids: number[]; memoryInMb: number };

/**
 * Reads a process and its descendants from `/proc`. Without `/proc` the tree has no memory.
 *
 * In a process namespace the tree is complete: its first process adopts every process whose parent ended. Elsewhere such a process
 * leaves the tree.
 */
export function readProcessTree(root: number): ProcessTree {
  const pids = [root];
  let ownKilobytes = 0;
  let fileKilobytes = 0;
  for (const pid of pids) {
    const memory = memoryOf(pid);
    ownKilobytes += memory.own;
    // Processes of one program share its file, so only the largest share counts.
    fileKilobytes = Math.max(fileKilobytes, memory.file);
    pids.push(...childrenOf(pid));
  }
  return { pids, memoryInMb: (ownKilobytes + fileKilobytes) / 1_024 };
}

function memoryOf(pid: number): { own: number; file: number } {
  const status = contentOf(`/proc/${pid}/status`);
  const kilobytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
  return { own: kilobytes('RssAnon') + kilobytes('RssShmem'), file: kilobytes('RssFile') };
}

/** A child belongs to the thread that started the child. */
function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) => {
    const children = contentOf(`/proc/${pid}/task/${thread}/children`);
    return children === '' ? [] : children.trim().split(' ').map(Number);
  });
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty when the process is gone. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
