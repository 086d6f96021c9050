import { folderOf } from '#src/archive/segments/segment.ts';
import type { ArchiveStore } from '#src/core/ports/stores/archive.ts';
import { parseHeads, type SignedHead } from './signed-head.ts';

/** The signed heads of a log, one file each, next to the folder of its segments. A head that exists is never replaced. */
export interface HeadFiles {
  /**
   * Stores a head, unless one of the same sequence is stored. The head at the end of a segment has a name of its own: a copy of the archive
   * that ends before this head lacks segments, while other heads are ahead of the archive in every running system.
   */
  add(head: SignedHead, at?: 'end-of-segment'): Promise<void>;
  /** All heads, by sequence. Throws `InvalidInputError` when a file holds no head. */
  list(): Promise<SignedHead[]>;
  /** The heads at the ends of segments, by sequence. Throws as `list` does. */
  listOfSegments(): Promise<SignedHead[]>;
  /** The last head that covers only messages before a sequence. */
  newestBefore(sequence: number): Promise<SignedHead | undefined>;
}

const OF_SEGMENT = '.segment.json';

export function openHeadFiles(store: ArchiveStore, log: string): HeadFiles {
  const folder = `heads-${folderOf(log)}`;

  const nameOf = (sequence: number): string => `${folder}${String(sequence).padStart(16, '0')}.json`;

  async function read(name: string): Promise<SignedHead[]> {
    const bytes = await store.get(name);
    return bytes === undefined ? [] : parseHeads(bytes.toString(), name);
  }

  async function readAll(isListed: (name: string) => boolean): Promise<SignedHead[]> {
    const heads: SignedHead[] = [];
    for (const name of await store.list(folder)) if (isListed(name)) heads.push(...(await read(name)));
    return heads;
  }

  return {
    async add(head, at) {
      const name = nameOf(head.sequence);
      const stored = at === undefined ? name : name.replace(/\.json$/, OF_SEGMENT);
      await store.create(stored, Buffer.from(`${JSON.stringify(head)}\n`));
    },
    list: async () => await readAll(() => true),
    listOfSegments: async () => await readAll((name) => name.endsWith(OF_SEGMENT)),
    async newestBefore(sequence) {
      const bound = nameOf(sequence);
      const name = (await store.list(folder)).filter((each) => each < bound).at(-1);
      return name === undefined ? undefined : (await read(name))[0];
    },
  };
}
