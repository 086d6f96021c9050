import { readFileSync } from 'node:fs';

/** The resident memory of a process in MB, or `undefined` when it cannot be known (it is gone, or this is not Linux). */
export function residentMemoryInMb(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}
