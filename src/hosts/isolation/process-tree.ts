import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';

/** The memory of a process that it shares with no file: its pages in memory and in the swap, its huge pages, and the tables of its pages. */
const OWN = /^(?:RssAnon|RssShmem|VmSwap|HugetlbPages|VmPTE):\s+(\d+) kB$/gm;
const OF_FILES = /^RssFile:\s+(\d+) kB$/m;

/** What an open file may hold in the kernel: half of a pipe of the usual size. The filter of system calls refuses larger ones. */
const OPEN_FILE_IN_KB = 32;
/** What a socket of a namespace may hold: the usual buffer of a sender, and the last message beyond it. */
const SOCKET_IN_KB = 416;
/** Each child that Node starts with pipes has six sockets, with little in them. */
const FREE_SOCKETS = 64;
/** An entry of a file system in memory, with its name. */
const FILE_IN_KB = 1;

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
  let own = openFilesOf(pid) * OPEN_FILE_IN_KB;
  for (const [, kilobytes] of status.matchAll(OWN)) own += Number(kilobytes);
  return { own, file: Number(OF_FILES.exec(status)?.[1] ?? 0) };
}

/** The kernel tells the number as the size of the folder; one before 6.2 tells 0. */
function openFilesOf(pid: number): number {
  return statSync(`/proc/${pid}/fd`, { throwIfNoEntry: false })?.size ?? 0;
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

/**
 * The memory of the files in the `/tmp` of a sandbox with namespaces, which is a file system in memory; 0 when there is none. A process that
 * has not entered its sandbox yet has the `/tmp` of the machine.
 */
export function sandboxFilesInMb(pid: number): number {
  try {
    if (statSync(`/proc/${pid}/root/tmp`).dev === statSync('/tmp', { throwIfNoEntry: false })?.dev) return 0;
    const { type, blocks, bfree, bsize, files, ffree } = statfsSync(`/proc/${pid}/root/tmp`);
    return type === TMPFS ? ((blocks - bfree) * bsize) / 1_048_576 + ((files - ffree) * FILE_IN_KB) / 1_024 : 0;
  } catch {
    return 0;
  }
}

/** The sockets of TCP and UDP of the network of a process, except those that hold no data any more. */
function socketsOfInternet(pid: number): number {
  const lists = `${contentOf(`/proc/${pid}/net/sockstat`)}${contentOf(`/proc/${pid}/net/sockstat6`)}`;
  return [...lists.matchAll(/^(?:TCP|UDP|UDPLITE)6?: inuse (\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/**
 * What the buffers of the sockets of a process's own network may hold, also of those that no process has open any more. A process that has
 * not entered its sandbox yet has the network of this process, whose list is the same file.
 */
export function sandboxSocketsInMb(pid: number): number {
  const list = statSync(`/proc/${pid}/net/unix`, { throwIfNoEntry: false })?.ino;
  if (list === undefined || list === statSync('/proc/self/net/unix', { throwIfNoEntry: false })?.ino) return 0;
  // The first line names the columns.
  const sockets = contentOf(`/proc/${pid}/net/unix`).split('\n').length - 2 + socketsOfInternet(pid);
  return (Math.max(0, sockets - FREE_SOCKETS) * SOCKET_IN_KB) / 1_024;
}
const TMPFS = 0x01021994;
