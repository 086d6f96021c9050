import { crc32, deflateRawSync } from 'node:zlib';
import type { ZipFile } from './read-zip.ts';

const FLAG_UTF8 = 0x0800;
const DEFLATED = 8;
/** 1980-01-01. A constant date gives equal archives for equal files. */
const DATE = 0x0021;
const REGULAR_FILE = (0o100644 << 16) >>> 0;

/** A zip archive of files, sorted by path. Equal files give equal bytes. */
export function writeZip(files: readonly ZipFile[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { path, content } of [...files].sort((one, other) => (one.path < other.path ? -1 : 1))) {
    const name = Buffer.from(path);
    const packed = deflateRawSync(content);
    const facts = factsOf({ content, packed, name });
    const local = Buffer.concat([signature(0x04034b50), facts, name, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(REGULAR_FILE, 6);
    tail.writeUInt32LE(offset, 10);
    // "Made on Unix", so that readers use the file mode.
    const madeBy = Buffer.from([20, 3]);
    locals.push(local);
    centrals.push(signature(0x02014b50), madeBy, facts, tail, name);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, signature(0x06054b50), end]);
}

/** The fields that the local and the central header of a file have in common, in their order. */
function factsOf({ content, packed, name }: { content: Uint8Array; packed: Buffer; name: Buffer }): Buffer {
  const facts = Buffer.alloc(26);
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(FLAG_UTF8, 2);
  facts.writeUInt16LE(DEFLATED, 4);
  facts.writeUInt16LE(DATE, 8);
  facts.writeUInt32LE(crc32(content), 10);
  facts.writeUInt32LE(packed.length, 14);
  facts.writeUInt32LE(content.length, 18);
  facts.writeUInt16LE(name.length, 22);
  return facts;
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
