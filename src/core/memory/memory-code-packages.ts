import type { Clock } from '#src/core/ports/clock.ts';
import { type CodePackages, digestOfArchive } from '#src/core/ports/code-packages.ts';

/** The store of code packages in memory: the executable specification of the port. */
export function createMemoryCodePackages({ now }: Pick<Clock, 'now'>): CodePackages {
  const stored = new Map<string, { archive: Uint8Array; storedAt: number }>();
  return {
    async put(archive) {
      const digest = digestOfArchive(archive);
      stored.set(digest, { archive: Uint8Array.from(archive), storedAt: now() });
      return digest;
    },
    get: async (digest) => stored.get(digest)?.archive,
    list: async () => [...stored].map(([digest, { archive, storedAt }]) => ({ digest, bytes: archive.length, storedAt })),
    async delete(digest) {
      stored.delete(digest);
    },
  };
}
