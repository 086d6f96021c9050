import { readdirSync, readFileSync, statfsSync } from 'node:fs';

const ANONYMOUS = /^RssAnon:\s+(\d+) kB$/m;
const SHARED = /^RssShmem:\s+(\d+) kB$/m;
const OF_FILES = /^RssFile:\s+(\d+) kB$/m;

/** The processes that descend from one process, and their memory. */
export type ProcessTree = { pids: number[]; memoryInMb: number };

/** `all`: a child belongs to the thread that started it. `main`: only the children of main threads, with a tenth of the reads. */
type Threads = 'all' | 'main';

/**
 * Reads a process and its descendants from `/proc`. Without `/proc` the tree has no memory.
 *
 * In a process namespace the tree is complete: its first process adopts every process whose parent ended. Elsewhere such a process
 * leaves the tree.
 */
export function readProcessTree(root: number, threads: Threads = 'all'): ProcessTree {
  const pids = [root];
  let ownKilobytes = 0;
  let fileKilobytes = 0;
  for (const pid of pids) {
    const memory = memoryOf(pid);
    ownKilobytes += memory.own;
    // Processes of one program share its file, so only the largest share counts.
    fileKilobytes = Math.max(fileKilobytes, memory.file);
    pids.push(...childrenOf(pid, threads));
  }
  return { pids, memoryInMb: (ownKilobytes + fileKilobytes) / 1_024 };
}

function memoryOf(pid: number): { own: number; file: number } {
  const status = contentOf(`/proc/${pid}/status`);
  const kilobytes = (field: RegExp): number => Number(field.exec(status)?.[1] ?? 0);
  return { own: kilobytes(ANONYMOUS) + kilobytes(SHARED), file: kilobytes(OF_FILES) };
}

function childrenOf(pid: number, threads: Threads): number[] {
  return (threads === 'main' ? [pid] : threadsOf(pid)).flatMap((thread) => {
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

/** The memory of the files in the `/tmp` of a sandbox with namespaces, which is a file system in memory; 0 when there is none. */
export function sandboxFilesInMb(pid: number): number {
  try {
    const { type, blocks, bfree, bsize } = statfsSync(`/proc/${pid}/root/tmp`);
    return type === TMPFS ? ((blocks - bfree) * bsize) / 1_048_576 : 0;
  } catch {
    return 0;
  }
}
const TMPFS = 0x01021994;
