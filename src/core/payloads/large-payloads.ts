import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { PayloadUnavailableError } from '#src/core/errors.ts';
import type { PayloadOwner, PayloadStore } from '#src/core/ports/stores/payload-store.ts';
import { encodeReference, isReference, parseReference } from './payload-reference.ts';

/** Stores and reads the payloads that are too large for the log. */
export interface LargePayloads {
  /** Stores a payload for an invocation, sealed if the project encrypts payloads, and resolves to the reference. Throws as `put` of the store. */
  store(owner: PayloadOwner, payload: string, options?: { isRepeatable?: boolean }): Promise<string>;
  /** The payload that a reference of an invocation names; another payload as it is. Throws `PayloadUnavailableError`, and as the sealer does. */
  fetch(owner: PayloadOwner, payload: string): Promise<string>;
  /** Gives a further invocation of the same function a copy, and resolves to its reference. Needs no key. Throws as the store does. */
  copy(from: PayloadOwner, to: PayloadOwner, reference: string): Promise<string>;
}

type Options = { store: PayloadStore; payloads?: PayloadSealer | undefined };

/** How many bytes a sealed object has more than its payload. */
const SEALED_BYTES = 28;

export function createLargePayloads({ store, payloads }: Options): LargePayloads {
  async function read(owner: PayloadOwner, reference: string) {
    const parsed = parseReference(reference);
    if (parsed === undefined) throw new PayloadUnavailableError({ ...owner, why: 'the reference cannot be read' });
    const maxBytes = parsed.bytes + (parsed.key === undefined ? 0 : SEALED_BYTES);
    return { ...parsed, object: await store.get(owner, { digest: parsed.digest, maxBytes }) };
  }

  return {
    async store(owner, payload, { isRepeatable = false } = {}) {
      const content = Buffer.from(payload);
      const sealed = payloads?.sealBytes(owner.function, content, isRepeatable ? owner.invocation : undefined);
      const digest = await store.put(owner, sealed?.bytes ?? content, { mayExist: isRepeatable });
      return encodeReference({ bytes: content.length, digest, ...(sealed === undefined ? {} : { key: sealed.key }) });
    },
    async fetch(owner, payload) {
      if (!isReference(payload)) return payload;
      const { bytes, key, object } = await read(owner, payload);
      const content = key === undefined ? object : (payloads?.openBytes(owner.function, key, object) ?? object);
      if (content.length !== bytes)
        throw new PayloadUnavailableError({ ...owner, why: `it has ${content.length} bytes instead of ${bytes}` });
      return content.toString();
    },
    async copy(from, to, reference) {
      const { object, ...parsed } = await read(from, reference);
      return encodeReference({ ...parsed, digest: await store.put(to, object) });
    },
  };
}
