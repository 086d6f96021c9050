import type { Clock } from '#src/core/ports/clock.ts';
import { type CodePackages, digestOfArchive, packageName, parsePackageName } from '#src/core/ports/stores/code-packages.ts';

/** The store of code packages in memory: the executable specification of the port. */
export function createMemoryCodePackages({ now }: Pick<Clock, 'now'>): CodePackages {
  const stored = new Map<string, { archive: Uint8Array; storedAt: number }>();
  return {
    async put(archive, owner) {
      const digest = await digestOfArchive(archive);
      const { buffer, byteOffset, byteLength } = archive;
      stored.set(packageName(digest, owner), { archive: new Uint8Array(buffer, byteOffset, byteLength), storedAt: now() });
      return digest;
    },
    get: async (digest, owner) => stored.get(packageName(digest, owner))?.archive,
    has: async (digest, owner) => stored.has(packageName(digest, owner)),
    sizeOf: async (digest, owner) => stored.get(packageName(digest, owner))?.archive.length,
    list: async () => [...stored].map(([name, { archive, storedAt }]) => ({ ...parsePackageName(name), bytes: archive.length, storedAt })),
    bytesOf: async (owner) =>
      [...stored].reduce((sum, [name, { archive }]) => (parsePackageName(name).owner === owner ? sum + archive.length : sum), 0),
    async delete(digest, owner) {
      stored.delete(packageName(digest, owner));
    },
  };
}
