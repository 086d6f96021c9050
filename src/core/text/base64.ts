import { z } from 'zod';

/** Bytes that a request brings as text in base64, of the standard alphabet and with its padding. The body was decoded before its schema sees it. */
export const base64Schema = bytesSchema({ contentEncoding: 'base64' }, 'must be base64');
export const filledBase64Schema = base64Schema
  .refine((bytes) => bytes.length > 0, 'must not be empty')
  .meta({
    type: 'string',
    minLength: 1,
    contentEncoding: 'base64',
  });
/** Bytes that a request brings as a text. */
export const textBytesSchema = bytesSchema({}, 'must be a text');

function bytesSchema(meta: { contentEncoding?: string }, problem: string) {
  return z.custom<Uint8Array>((value) => value instanceof Uint8Array, problem).meta({ type: 'string', ...meta });
}

/** The bytes of a text in base64; `undefined` when the text is none. A part of a longer text has no padding. Also accepts an empty text. */
export function decodeBase64(text: string, isPart = false): Buffer | undefined {
  // Node reads the alphabet of URLs too, and a character beyond ASCII by its lowest byte.
  if (text.length % 4 !== 0 || text.includes('-') || text.includes('_') || Buffer.byteLength(text) !== text.length) return undefined;
  const padding = isPart ? 0 : text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = Buffer.from(text, 'base64');
  // Node passes over every other character, so that fewer bytes remain.
  return bytes.length === (text.length / 4) * 3 - padding ? bytes : undefined;
}
