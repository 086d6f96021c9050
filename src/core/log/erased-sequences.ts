import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';

/** A record of the log names at most this many erased messages: about 100 KB, which every server accepts. */
export const MAX_NAMED_SEQUENCES = 50_000;

/** A decoded list is at most this long, whatever its text claims: a difference of sequences has at most 17 characters. */
const MAX_TEXT_BYTES = MAX_NAMED_SEQUENCES * 17;

/** Encodes ascending sequences as their compressed differences. */
export function encodeSequences(sequences: readonly number[]): string {
  const differences = sequences.map((sequence, index) => sequence - (sequences[index - 1] ?? 0));
  return brotliCompressSync(differences.join(',')).toString('base64');
}

/** Decodes what {@link encodeSequences} returned. A text that is not such a list names no message. */
export function decodeSequences(text: string): number[] {
  const differences = inflated(text).split(',').map(Number);
  let last = 0;
  const sequences: number[] = [];
  for (const difference of differences) {
    if (!(Number.isSafeInteger(difference) && difference > 0)) return [];
    last += difference;
    sequences.push(last);
  }
  return sequences;
}

function inflated(text: string): string {
  try {
    return brotliDecompressSync(Buffer.from(text, 'base64'), { maxOutputLength: MAX_TEXT_BYTES }).toString();
  } catch {
    return '';
  }
}
