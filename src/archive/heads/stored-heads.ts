import { folderOf } from '#src/archive/segments/segment.ts';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { parseHeads, type SignedHead } from './signed-head.ts';

const DAY_IN_MS = 86_400_000;

/** The signed heads of a log in the state bucket: the last one of each day. */
export interface StoredHeads {
  add(head: SignedHead): Promise<void>;
  /** All heads, by sequence. Throws `InvalidInputError` when a value is no head. */
  list(): Promise<SignedHead[]>;
}

export function openStoredHeads(state: Pick<KeyValue, 'get' | 'put' | 'keys'>, log: string): StoredHeads {
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
