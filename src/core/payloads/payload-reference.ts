/*
 * Claim check. A payload above 262,144 bytes is an object in a store, and the message of its request refers to it:
 * `stored:1.<bytes of the payload>.<digest of the object>`, and `.<number of the data key>` when the object is sealed. Such a text is no JSON, so no
 * valid payload looks like one, and an earlier version refuses the request instead of running the function on the reference.
 *
 * - (BIG1) An object is durable before a message that refers to it is published.
 * - (BIG2) An object belongs to one invocation, whose function and id are in its name. A reader derives the name from the invocation that it
 *   reads, so a reference to another invocation's object, or to that of another project, leads to nothing.
 * - (BIG3) The store is not trusted: a reader compares the object with the digest.
 * - (BIG4) An object lives as long as the log holds its invocation. An erasure overwrites the object, and a sweep removes every other object
 *   whose invocation the log no longer has, or never had.
 */

/** The maximum of a function's `maxPayloadBytes`. */
export const MAX_LARGE_PAYLOAD_BYTES = 67_108_864;

/** `bytes`: the size of the payload. `digest`: SHA-256 of the object, in base64url. `key`: the number of the data key that sealed the object. */
export type PayloadReference = { bytes: number; digest: string; key?: number };

const PREFIX = 'stored:1.';
const whole = /^stored:1\.([1-9]\d{0,7})\.([\w-]{43})(?:\.([1-9]\d{0,5}))?$/;

export function encodeReference({ bytes, digest, key }: PayloadReference): string {
  return `${PREFIX}${bytes}.${digest}${key === undefined ? '' : `.${key}`}`;
}

/** Whether the text begins as a reference does. */
export function isReference(payload: string): boolean {
  return payload.startsWith(PREFIX);
}

/** `undefined` for a payload that is no reference, or one to more bytes than the maximum. */
export function parseReference(payload: string): PayloadReference | undefined {
  const [, size, digest, key] = isReference(payload) ? (whole.exec(payload) ?? []) : [];
  const bytes = Number(size);
  if (digest === undefined || !(bytes <= MAX_LARGE_PAYLOAD_BYTES)) return undefined;
  return { bytes, digest, ...(key === undefined ? {} : { key: Number(key) }) };
}
