import { readProcessTree, sandboxFilesInMb, sandboxSocketsInMb } from '#src/hosts/isolation/process-tree.ts';
import { ProcessorTime, setPaused } from '#src/hosts/isolation/processor-time.ts';
import type { Child } from './child-process.ts';

/** The memory of a fresh process that its function does not use. The function's own limit is added to this. */
export const RUNTIME_MEMORY_IN_MB = 96;
const CHECK_EVERY_MS = 200;
/** A worker keeps the processes of many functions for a minute, and a check takes a tenth of a millisecond. */
const CHECK_IDLE_EVERY_MS = 1_000;
/** A process of Node has eleven threads. Its main thread starts almost every child, so the others are asked less often. */
const CHECK_ALL_THREADS_EVERY_MS = 1_000;

export type ResourceLimits = {
  memoryInMb: number;
  /** How many processes there may be, the first one included. */
  maxProcesses: number;
  /** Whether the process has a file system in memory of its own. */
  hasOwnFiles?: boolean;
  /** Whether the process has a network of its own. */
  hasOwnNetwork?: boolean;
};

type Counted = Pick<Child, 'pid' | 'cgroup'>;

/**
 * Compares the memory and the number of a process and all its descendants with the limits of their function. In a cgroup, the kernel
 * enforces the limit of memory.
 */
export class ResourceCheck {
  readonly #child: Counted;
  readonly #limits: ResourceLimits;
  readonly #processorTime: ProcessorTime;
  #checkedAt = 0;
  #checkedAllAt = 0;

  constructor(child: Counted, limits: ResourceLimits) {
    this.#child = child;
    this.#limits = limits;
    this.#processorTime = new ProcessorTime(child);
  }

  /** The processor time of the process and its descendants since the last call. */
  takeProcessorTimeInMs(): number {
    return this.#processorTime.takeInMs();
  }

  /** Stops or continues the process and its descendants. The limits of time go on. */
  pause(isPaused: boolean): void {
    setPaused(this.#child, isPaused);
  }

  /**
   * The limit that is exceeded. Reads the processes at most every 200 ms, and every second while nothing is executed. Reads the children of other
   * threads than the main one every second.
   */
  exceeded(now: number, isIdle: boolean): 'memory' | 'processes' | undefined {
    const { pid, cgroup } = this.#child;
    if (pid === undefined || !this.#isDue(now, isIdle)) return undefined;
    this.#checkedAt = now;
    const { memoryInMb, maxProcesses } = this.#limits;
    if (cgroup !== undefined) return this.exceededAtEnd() ?? (cgroup.processes > maxProcesses ? 'processes' : undefined);
    const isForAll = now - this.#checkedAllAt >= CHECK_ALL_THREADS_EVERY_MS;
    if (isForAll) this.#checkedAllAt = now;
    const tree = readProcessTree(pid, isForAll ? 'all' : 'main');
    const filesInMb = this.#limits.hasOwnFiles ? sandboxFilesInMb(pid) : 0;
    const socketsInMb = this.#limits.hasOwnNetwork ? sandboxSocketsInMb(pid) : 0;
    if (tree.memoryInMb + filesInMb + socketsInMb > memoryInMb + RUNTIME_MEMORY_IN_MB) return 'memory';
    return tree.pids.length > maxProcesses ? 'processes' : undefined;
  }

  #isDue(now: number, isIdle: boolean): boolean {
    return now - this.#checkedAt >= (isIdle ? CHECK_IDLE_EVERY_MS : CHECK_EVERY_MS);
  }

  /** Whether the kernel ended the process because of a limit. */
  exceededAtEnd(): 'memory' | undefined {
    return (this.#child.cgroup?.memoryKills ?? 0) > 0 ? 'memory' : undefined;
  }
}
