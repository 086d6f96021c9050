import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';

/**
 * Signs hints that carry the state of a stream (HMAC-SHA256, with a key in the state bucket).
 *
 * A deliverer acts on the state in a hint without reading the log, so the state must come from a process that may read the state
 * bucket: a client with permission for `deliver.*` alone cannot forge a state. A hint without a valid signature is still a hint:
 * the log is read.
 */
export interface HintSigner {
  /** `undefined` while the key is not known: the hint is then sent without a state. */
  sign(subject: string, hint: Uint8Array): string | undefined;
  isSigned(subject: string, hint: Uint8Array, signature: string | undefined): boolean;
}

const KEY = 'hints.key';
const KEY_BYTES = 32;

/** Reads the key when it is first needed, and creates the key when there is none. Clients never need the key. */
export function createHintSigner(state: KeyValue): HintSigner {
  let key: Buffer | undefined;
  let isAsked = false;

  function presentKey(): Buffer | undefined {
    if (!isAsked) {
      isAsked = true;
      void readKey(state).then(
        (found) => {
          key = found;
        },
        // Without the key hints carry no state, and every deliverer reads the log.
        () => {},
      );
    }
    return key;
  }

  return {
    sign(subject, hint) {
      const present = presentKey();
      return present === undefined ? undefined : signatureOf(present, subject, hint).toString('base64url');
    },
    isSigned(subject, hint, signature) {
      const present = presentKey();
      if (present === undefined || signature === undefined) return false;
      const given = Buffer.from(signature, 'base64url');
      const expected = signatureOf(present, subject, hint);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}

async function readKey(state: KeyValue): Promise<Buffer> {
  const present = await state.get(KEY);
  if (present !== undefined) return Buffer.from(present.value, 'hex');
  const made = randomBytes(KEY_BYTES);
  try {
    await state.put(KEY, made.toString('hex'), 0);
    return made;
  } catch (error) {
    // Another process created the key first.
    if (error instanceof ConflictError) return await readKey(state);
    throw error;
  }
}

function signatureOf(key: Buffer, subject: string, hint: Uint8Array): Buffer {
  return createHmac('sha256', key).update(subject).update('\n').update(hint).digest();
}
