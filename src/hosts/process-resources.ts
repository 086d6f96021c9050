import { readProcessTree } from './isolation/process-tree.ts';

/** The memory of a fresh process that its function does not use. The function's own limit is added to this. */
const RUNTIME_MEMORY_IN_MB = 96;
const CHECK_EVERY_MS = 200;

export type ResourceLimits = {
  memoryInMb: number;
  /** How many processes there may be, the first one included. */
  maxProcesses: number;
};

/** Compares the memory and the number of a process and all its descendants with the limits of their function. */
export class ResourceCheck {
  readonly #pid: number | undefined;
  readonly #limits: ResourceLimits;
  #checkedAt = 0;

  constructor(pid: number | undefined, limits: ResourceLimits) {
    this.#pid = pid;
    this.#limits = limits;
  }

  /** The limit that is exceeded. Reads the processes at most every 200 ms, and is `undefined` in between. */
  exceeded(now: number): 'memory' | 'processes' | undefined {
    if (this.#pid === undefined || now - this.#checkedAt < CHECK_EVERY_MS) return undefined;
    this.#checkedAt = now;
    const { pids, memoryInMb } = readProcessTree(this.#pid);
    if (memoryInMb > this.#limits.memoryInMb + RUNTIME_MEMORY_IN_MB) return 'memory';
    return pids.length > this.#limits.maxProcesses ? 'processes' : undefined;
  }
}
