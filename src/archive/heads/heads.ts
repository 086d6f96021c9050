import { folderOf } from '#src/archive/segments/segment.ts';
import { ConflictError } from '#src/core/errors.ts';
import type { ArchiveStore } from '#src/core/ports/stores/archive.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { type HeadFiles, openHeadFiles } from './head-files.ts';
import { parseHeads, type SignedHead } from './signed-head.ts';

/** Where the signed heads of a log are: the archive has every head, and the state bucket the last one of each day. */
export type HeadStores = { store: ArchiveStore; state: Pick<KeyValue, 'get' | 'put' | 'keys'> };

/** The signed heads of a log. A process that reaches NATS, and not the archive, still finds the heads in the state bucket. */
export function openHeads({ store, state }: HeadStores, log: string): HeadFiles {
  const files = openHeadFiles(store, log);
  const stored = openStoredHeads(state, log);
  return {
    newestBefore: files.newestBefore,
    listOfSegments: files.listOfSegments,
    async add(head, at) {
      await files.add(head, at);
      await stored.add(head);
    },
    async list() {
      const bySignature = new Map<string, SignedHead>();
      for (const head of [...(await files.list()), ...(await stored.list())]) bySignature.set(head.signature, head);
      return [...bySignature.values()].sort((one, other) => one.sequence - other.sequence);
    },
  };
}

const DAY_IN_MS = 86_400_000;

/** The signed heads of a log in the state bucket: the last one of each day. */
interface StoredHeads {
  add(head: SignedHead): Promise<void>;
  /** All heads, by sequence. Throws `InvalidInputError` when a value is no head. */
  list(): Promise<SignedHead[]>;
}

function openStoredHeads(state: Pick<KeyValue, 'get' | 'put' | 'keys'>, log: string): StoredHeads {
  const prefix = `head.${folderOf(log).slice(0, -1)}.`;

  async function read(key: string): Promise<SignedHead[]> {
    const entry = await state.get(key);
    return entry === undefined ? [] : parseHeads(entry.value, `the state bucket at ${key}`);
  }

  return {
    async add(head) {
      const key = prefix + Math.floor(head.signedAt / DAY_IN_MS);
      const present = await state.get(key);
      const [newest] = present === undefined ? [] : parseHeads(present.value, key);
      if (newest !== undefined && newest.sequence >= head.sequence) return;
      await state.put(key, JSON.stringify(head), present?.revision ?? 0).catch((error: unknown) => {
        // Another signer has stored its head meanwhile. The next head of this signer replaces that one.
        if (!(error instanceof ConflictError)) throw error;
      });
    },
    async list() {
      const heads: SignedHead[] = [];
      for (const key of await state.keys()) if (key.startsWith(prefix)) heads.push(...(await read(key)));
      return heads.sort((one, other) => one.sequence - other.sequence);
    },
  };
}
