import { readFileSync } from 'node:fs';

/** The memory of a fresh process that its function does not use. The function's own limit is added to this. */
const RUNTIME_MEMORY_IN_MB = 96;
const CHECK_EVERY_MS = 200;

/** Compares the memory of one process with the limit of its function. */
export class MemoryCheck {
  readonly #pid: number | undefined;
  readonly #limitInMb: number;
  #checkedAt = 0;

  constructor(pid: number | undefined, memoryInMb: number) {
    this.#pid = pid;
    this.#limitInMb = memoryInMb + RUNTIME_MEMORY_IN_MB;
  }

  /** Reads the memory at most every 200 ms, and is false in between. */
  isExceeded(now: number): boolean {
    if (this.#pid === undefined || now - this.#checkedAt < CHECK_EVERY_MS) return false;
    this.#checkedAt = now;
    return (residentMemoryInMb(this.#pid) ?? 0) > this.#limitInMb;
  }
}

/** The resident memory of a process in MB; `undefined` when the process is gone, or on systems other than Linux. */
function residentMemoryInMb(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}
