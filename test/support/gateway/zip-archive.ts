import { crc32, deflateRawSync } from 'node:zlib';

export type Part = {
  name: string | Buffer;
  content?: string | Buffer;
  /** The false fields of the archive. */
  claims?: {
    bytes?: number;
    packedBytes?: number;
    crc?: number;
    offset?: number;
    localName?: string;
    mode?: number;
    flags?: number;
    method?: number;
  };
};

/** Creates zip archives, including invalid ones that no tool creates. */
export function zipOf(parts: readonly Part[], { comment = '', count }: { comment?: string; count?: number } = {}): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, content = '', claims = {} } of parts) {
    const bytes = Buffer.from(content);
    const packed = deflateRawSync(bytes);
    const rawName = Buffer.from(name);
    const facts = {
      method: claims.method ?? 8,
      crc: claims.crc ?? crc32(bytes),
      packed: claims.packedBytes ?? packed.length,
      bytes: claims.bytes ?? bytes.length,
    };
    const localName = Buffer.from(claims.localName ?? rawName);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(facts.method, 8);
    local.writeUInt32LE(facts.crc, 14);
    local.writeUInt32LE(facts.packed, 18);
    local.writeUInt32LE(facts.bytes, 22);
    local.writeUInt16LE(localName.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(claims.flags ?? 0, 8);
    central.writeUInt16LE(facts.method, 10);
    central.writeUInt32LE(facts.crc, 16);
    central.writeUInt32LE(facts.packed, 20);
    central.writeUInt32LE(facts.bytes, 24);
    central.writeUInt16LE(rawName.length, 28);
    central.writeUInt32LE(((claims.mode ?? 0o100644) << 16) >>> 0, 38);
    central.writeUInt32LE(claims.offset ?? offset, 42);
    locals.push(local, localName, packed);
    centrals.push(central, rawName);
    offset += local.length + localName.length + packed.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count ?? parts.length, 8);
  end.writeUInt16LE(count ?? parts.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...locals, directory, end, Buffer.from(comment)]);
}
