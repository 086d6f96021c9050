import { createDeflateRaw } from 'node:zlib';
import { joinInParts, PART_BYTES } from '#src/core/quotas/in-parts.ts';
import { checksumOf, type ZipFile } from './read-zip.ts';

const FLAG_UTF8 = 0x0800;
const DEFLATED = 8;
/** 1980-01-01. A constant date gives equal archives for equal files. */
const DATE = 0x0021;
const REGULAR_FILE = (0o100644 << 16) >>> 0;
const EXECUTABLE_FILE = (0o100755 << 16) >>> 0;

/** A zip archive of files, sorted by path. Equal files give equal bytes. The compression runs beside this thread. */
export async function writeZip(files: readonly ZipFile[]): Promise<Buffer> {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { path, content, isExecutable } of [...files].sort((one, other) => (one.path < other.path ? -1 : 1))) {
    const name = Buffer.from(path);
    const packed = await deflate(content);
    const packedBytes = bytesIn(packed);
    const facts = factsOf({ content, packedBytes, name, checksum: await checksumOf(content) });
    const local = [signature(0x04034b50), facts, name, ...packed];
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(isExecutable ? EXECUTABLE_FILE : REGULAR_FILE, 6);
    tail.writeUInt32LE(offset, 10);
    // "Made on Unix", so that readers use the file mode.
    const madeBy = Buffer.from([20, 3]);
    for (const part of local) locals.push(part);
    centrals.push(signature(0x02014b50), madeBy, facts, tail, name);
    offset += bytesIn(local);
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return await joinInParts([...locals, directory, signature(0x06054b50), end]);
}

type Facts = { content: Uint8Array; packedBytes: number; name: Buffer; checksum: number };

/** The fields that the local and the central header of a file have in common, in their order. */
function factsOf({ content, packedBytes, name, checksum }: Facts): Buffer {
  const facts = Buffer.alloc(26);
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(FLAG_UTF8, 2);
  facts.writeUInt16LE(DEFLATED, 4);
  facts.writeUInt16LE(DATE, 8);
  facts.writeUInt32LE(checksum, 10);
  facts.writeUInt32LE(packedBytes, 14);
  facts.writeUInt32LE(content.length, 18);
  facts.writeUInt16LE(name.length, 22);
  return facts;
}

/** What zlib may add to a content that it cannot make smaller. */
const MORE_BYTES = 64;

/** The parts of a compressed content. They are not joined here: zlib would do that at once, in 30 ms for 20 MB. */
async function deflate(content: Uint8Array): Promise<Buffer[]> {
  const packing = createDeflateRaw({ chunkSize: Math.min(PART_BYTES, content.length + MORE_BYTES) });
  packing.end(content);
  const parts: Buffer[] = [];
  for await (const part of packing) parts.push(part);
  return parts;
}

function bytesIn(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
