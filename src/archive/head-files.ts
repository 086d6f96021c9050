import type { ArchiveStore } from '#src/core/ports/archive.ts';
import { folderOf } from './segment.ts';
import { parseHeads, type SignedHead } from './signed-head.ts';

/** The signed heads of a log, one file each, next to the folder of its segments. A head that exists is never replaced. */
export interface HeadFiles {
  /** Stores a head, unless one of the same sequence is stored. */
  add(head: SignedHead): Promise<void>;
  /** All heads, by sequence. Throws `InvalidInputError` when a file holds no head. */
  list(): Promise<SignedHead[]>;
  /** The last head that covers only messages before a sequence. */
  newestBefore(sequence: number): Promise<SignedHead | undefined>;
}

export function openHeadFiles(store: ArchiveStore, log: string): HeadFiles {
  const folder = `heads-${folderOf(log)}`;

  const nameOf = (sequence: number): string => `${folder}${String(sequence).padStart(16, '0')}.json`;

  async function read(name: string): Promise<SignedHead[]> {
    const bytes = await store.get(name);
    return bytes === undefined ? [] : parseHeads(bytes.toString(), name);
  }

  return {
    async add(head) {
      await store.create(nameOf(head.sequence), Buffer.from(`${JSON.stringify(head)}\n`));
    },
    async list() {
      const heads: SignedHead[] = [];
      for (const name of await store.list(folder)) heads.push(...(await read(name)));
      return heads;
    },
    async newestBefore(sequence) {
      const bound = nameOf(sequence);
      const name = (await store.list(folder)).filter((each) => each < bound).at(-1);
      return name === undefined ? undefined : (await read(name))[0];
    },
  };
}
