import { inflateSync } from 'node:zlib';

const SIGNATURE_BYTES = 8;

/** Which share of a picture differs from its surroundings: nothing of a blank one does. Throws when it is no PNG. */
export function busyShareOf(png: Buffer): number {
  const parts: Buffer[] = [];
  for (let at = SIGNATURE_BYTES; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length));
    // Length, type and checksum have four bytes each.
    at += length + 12;
  }
  // What is there are differences to the pixels before and above.
  const differences = inflateSync(Buffer.concat(parts));
  return differences.reduce((count, one) => (one === 0 ? count : count + 1), 0) / differences.length;
}
