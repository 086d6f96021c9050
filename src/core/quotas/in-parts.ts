import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/*
 * Work on many bytes of one project in the thread that serves all projects: in parts, between which the thread serves the others. A part takes
 * about 2 ms.
 */

/** So many bytes are copied or hashed at once. */
export const PART_BYTES = 1_048_576;

/** The digest of a content, in hexadecimal digits by default. */
export async function digestInParts(
  content: Uint8Array,
  { algorithm = 'sha512', encoding = 'hex' }: { algorithm?: 'sha256' | 'sha512'; encoding?: 'hex' | 'base64url' } = {},
): Promise<string> {
  const hash = createHash(algorithm);
  for (let at = 0; at < content.length; at += PART_BYTES) {
    hash.update(content.subarray(at, at + PART_BYTES));
    if (at + PART_BYTES < content.length) await setImmediate();
  }
  return hash.digest(encoding);
}

/** The bytes that one item of many counts at least: the work for it beside its bytes. */
const ITEM_BYTES = 4_096;

/** Returns a function that pauses a work on many small items after each part of it. */
export function createPause(): (bytes: number) => Promise<void> {
  let done = 0;
  return async (bytes) => {
    done += bytes + ITEM_BYTES;
    if (done < PART_BYTES) return;
    done = 0;
    await setImmediate();
  };
}

/** The same bytes, without a copy. */
export function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** All bytes of the parts in one buffer. A single part stays as it is. */
export async function joinInParts(parts: readonly Uint8Array[]): Promise<Buffer> {
  const [first, second] = parts;
  if (first !== undefined && second === undefined) return asBuffer(first);
  const joined = Buffer.allocUnsafe(parts.reduce((sum, { length }) => sum + length, 0));
  const pause = createPause();
  let at = 0;
  for (const part of parts)
    for (let from = 0; from < part.length; from += PART_BYTES) {
      const piece = part.subarray(from, from + PART_BYTES);
      joined.set(piece, at);
      at += piece.length;
      await pause(piece.length);
    }
  return joined;
}
