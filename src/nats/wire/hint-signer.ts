import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

/**
 * Signs hints that carry the state of a stream, and the ids of all hints (HMAC-SHA256, with a key in the state bucket).
 *
 * A deliverer acts on the state in a hint without reading the log, so the state must come from a process that may read the state
 * bucket: a client with permission for `deliver.*` alone cannot forge a state. A hint without a valid signature is still a hint:
 * the log is read.
 *
 * Requests share the server's window of deduplication with the hints. A client that may publish requests alone could therefore take the id of
 * a hint before its sender, and the server would drop the hint. No client can compute a signed id (HINT2).
 */
export interface HintSigner {
  /** Resolves when the key was read once, or could not be read. Never rejects. */
  ready(): Promise<void>;
  /** The id of a hint for the server's deduplication. Processes with the key agree on it; until the key was read, it is unique. */
  signedId(id: string): string;
  /** Returns `undefined` until the key was read. The caller must then send the hint without a state. */
  sign(subject: string, hint: Uint8Array): string | undefined;
  isSigned(subject: string, hint: Uint8Array, signature: string | undefined): boolean;
}

const KEY = 'hints.key';
const KEY_BYTES = 32;
const ID_SUFFIX_BYTES = 12;
/** No subject of a hint, so that no signature of a hint is one of an id. */
const ID_CONTEXT = 'Nats-Msg-Id';
/** How long a key is used before it is read again. A key that an operator replaced or removed is used no longer. */
const REREAD_AFTER_MS = 30_000;
/** The least time between two reads. A wrong signature may mean that another process has a newer key, so it asks for a read. */
const READ_AT_MOST_EVERY_MS = 1_000;

/**
 * Creates a signer. The key is read, or created if it is missing, at the first call, and again while the signer is in use. Clients never need
 * the key. `now` is a monotonic time in milliseconds.
 */
export function createHintSigner(state: KeyValue, now: () => number = () => performance.now()): HintSigner {
  let key: Buffer | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading = Promise.resolve();

  function currentKey(rereadAfterMs = key === undefined ? READ_AT_MOST_EVERY_MS : REREAD_AFTER_MS): Buffer | undefined {
    if (now() - readAt >= rereadAfterMs) {
      readAt = now();
      reading = readKey(state).then(
        (found) => {
          key = found;
        },
        // Without the key, hints carry no state, and every deliverer reads the log. An outage changes no key.
        () => {},
      );
    }
    return key;
  }

  return {
    async ready() {
      currentKey();
      await reading;
    },
    signedId(id) {
      const current = currentKey();
      const suffix = current === undefined ? randomBytes(ID_SUFFIX_BYTES) : digestOf(current, ID_CONTEXT, id).subarray(0, ID_SUFFIX_BYTES);
      return `${id}.${suffix.toString('base64url')}`;
    },
    sign(subject, hint) {
      const current = currentKey();
      return current === undefined ? undefined : digestOf(current, subject, hint).toString('base64url');
    },
    isSigned(subject, hint, signature) {
      const current = currentKey();
      if (current === undefined || signature === undefined) return false;
      const given = Buffer.from(signature, 'base64url');
      const expected = digestOf(current, subject, hint);
      const isEqual = given.length === expected.length && timingSafeEqual(given, expected);
      if (!isEqual) currentKey(READ_AT_MOST_EVERY_MS);
      return isEqual;
    },
  };
}

async function readKey(state: KeyValue): Promise<Buffer> {
  const existing = await state.get(KEY);
  if (existing !== undefined) return Buffer.from(existing.value, 'hex');
  const created = randomBytes(KEY_BYTES);
  try {
    await state.put(KEY, created.toString('hex'), 0);
    return created;
  } catch (error) {
    // Another process created the key first.
    if (error instanceof ConflictError) return await readKey(state);
    throw error;
  }
}

function digestOf(key: Buffer, context: string, content: Uint8Array | string): Buffer {
  return createHmac('sha256', key).update(context).update('\n').update(content).digest();
}
