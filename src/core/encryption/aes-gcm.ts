import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** How many bytes a ciphertext has more than its content. */
export const OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/** Encrypts by AES-256-GCM: the nonce, the ciphertext and the tag, in base64url. Two contents must never share a key and a nonce. */
export function encrypt(key: Buffer, content: Buffer, authenticated: string, nonce?: Uint8Array): string {
  return encryptBytes(key, content, authenticated, nonce).toString('base64url');
}

/** As {@link encrypt}, as bytes. */
export function encryptBytes(key: Buffer, content: Buffer, authenticated: string, nonce: Uint8Array = randomBytes(NONCE_BYTES)): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(authenticated));
  return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** `undefined` when the key is another one, or when the text or what it was sealed for was changed. */
export function decrypt(key: Buffer, text: string, authenticated: string): Buffer | undefined {
  return decryptBytes(key, Buffer.from(text, 'base64url'), authenticated);
}

/** As {@link decrypt}, of bytes. */
export function decryptBytes(key: Buffer, bytes: Buffer, authenticated: string): Buffer | undefined {
  if (bytes.length < OVERHEAD_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(authenticated)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}
