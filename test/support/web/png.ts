import { inflateSync } from 'node:zlib';

const SIGNATURE_BYTES = 8;

/** The share of a PNG's bytes that differ from the pixels before or above. It is 0 for a blank picture. Throws for other files. */
export function drawnShareOf(png: Buffer): number {
  const chunks: Buffer[] = [];
  for (let at = SIGNATURE_BYTES; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') chunks.push(png.subarray(at + 8, at + 8 + length));
    // Length, type and checksum have four bytes each.
    at += length + 12;
  }
  // PNG filters store a pixel as its difference to the pixels before and above.
  const differences = inflateSync(Buffer.concat(chunks));
  return differences.reduce((count, one) => (one === 0 ? count : count + 1), 0) / differences.length;
}
