import type { ArchiveStore } from '#src/core/ports/stores/archive.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { type HeadFiles, openHeadFiles } from './head-files.ts';
import type { SignedHead } from './signed-head.ts';
import { openStoredHeads } from './stored-heads.ts';

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
