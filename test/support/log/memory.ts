import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import type { OpenedLog } from './opened-log.ts';

export async function openMemoryLog(): Promise<OpenedLog> {
  const log = createMemoryLog({ clock: { now: Date.now } });
  return {
    log,
    other: log,
    publish: async (...request) => log.publish(...request),
    purge: async (before) => log.purge(before),
    async [Symbol.asyncDispose]() {},
  };
}
