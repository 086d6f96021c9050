import { createHmac, hkdfSync } from 'node:crypto';
import { parseReference } from '#src/core/payloads/payload-reference.ts';
import { decrypt, decryptBytes, encrypt, encryptBytes, OVERHEAD_BYTES } from './aes-gcm.ts';

/*
 * Sealed texts: `sealed:2.<number of the data key>.<base64url>`. Such a text is no JSON, so no valid payload looks like one, and it has no
 * character that JSON escapes, so a sealed text can be found and replaced within another text.
 */

const PREFIX = 'sealed:2.';
const whole = /^sealed:2\.([1-9]\d{0,5})\.([\w-]+)$/;
const within = /sealed:2\.([1-9]\d{0,5})\.([\w-]+)/g;

/** How the message of a refused request begins (ENC6). The envelope and the reports of such requests find them by it. */
export const NOT_ENCRYPTED = 'the project of the function encrypts its payloads, and this one is not encrypted';

/** The keys of one data key: one encrypts, one makes nonces, and one hides keys of flows. */
export type PayloadKey = { number: number; encryption: Buffer; nonces: Buffer; flow: Buffer };

export function payloadKeyOf(number: number, dataKey: Buffer): PayloadKey {
  const derive = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', dataKey, '', `sequent payload ${purpose}`, 32));
  return { number, encryption: derive('encryption'), nonces: derive('nonces'), flow: derive('flow keys') };
}

/**
 * Seals a text for a function. With `id`, the nonce derives from the id and the text, so a repeated request is the same message.
 */
export function sealText(key: PayloadKey, text: string, { name, id }: { name: string; id?: string | undefined }): string {
  const nonce = id === undefined ? undefined : createHmac('sha256', key.nonces).update(`${name} ${id} ${text}`).digest().subarray(0, 12);
  return `${PREFIX}${key.number}.${encrypt(key.encryption, Buffer.from(text), name, nonce)}`;
}

/** The key of a flow, as the log, the ledger and the read models have it: who has no data key can neither read nor guess its text. */
export function hiddenFlowKey(key: PayloadKey, text: string): string {
  return `hmac:${createHmac('sha256', key.flow).update(text).digest('base64url').slice(0, 22)}`;
}

/** `undefined` when the text was not sealed by this key for this function. */
export function openText(key: PayloadKey, ciphertext: string, name: string): string | undefined {
  return decrypt(key.encryption, ciphertext, name)?.toString();
}

/** As {@link sealText}, for the object of a large payload. A text and an object never get one nonce. */
export function sealBytes(key: PayloadKey, content: Buffer, { name, id }: { name: string; id?: string | undefined }): Buffer {
  const mac = id === undefined ? undefined : createHmac('sha256', key.nonces).update(`object ${name} ${id} `).update(content).digest();
  return encryptBytes(key.encryption, content, name, mac?.subarray(0, 12));
}

/** `undefined` when the bytes were not sealed by this key for this function. */
export function openBytes(key: PayloadKey, bytes: Buffer, name: string): Buffer | undefined {
  return decryptBytes(key.encryption, bytes, name);
}

/** The number of the data key that sealed a payload, or the object that it refers to; `undefined` for a payload in plain text. */
export function keyNumberOf(payload: string): number | undefined {
  return parseSealed(payload)?.number ?? parseReference(payload)?.key;
}

/** The number of the data key and the ciphertext of a sealed text; `undefined` for any other text. */
export function parseSealed(text: string): { number: number; ciphertext: string } | undefined {
  const [, number, ciphertext] = isSealed(text) ? (whole.exec(text) ?? []) : [];
  return number === undefined || ciphertext === undefined ? undefined : { number: Number(number), ciphertext };
}

/** Whether the text begins as a sealed text does. */
export function isSealed(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Whether a sealed text may be within the text. */
export function holdsSealed(text: string): boolean {
  return text.includes(PREFIX);
}

/** Replaces each sealed text within a text. `undefined` leaves one as it is. */
export function replaceSealed(text: string, open: (number: number, ciphertext: string) => string | undefined): string {
  return text.replace(within, (found, number: string, ciphertext: string) => open(Number(number), ciphertext) ?? found);
}

/** The size in bytes of a text, or of the text that was sealed. */
export function bytesBeforeSealing(text: string): number {
  const sealed = parseSealed(text);
  return sealed === undefined ? Buffer.byteLength(text) : Math.floor((sealed.ciphertext.length * 3) / 4) - OVERHEAD_BYTES;
}
