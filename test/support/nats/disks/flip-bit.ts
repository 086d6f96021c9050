import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the flipped bit lies in the stored record. `end` is the checksum with which the server closes the record. */
export type Place = 'length' | 'sequence' | 'subject' | 'header' | 'body' | 'end';

export type FlipOptions = {
  /** The folder `jetstream` of a server that is stopped. */
  store: string;
  stream: string;
  /** The message: its sequence, or a text that its record contains. The first such record counts. */
  message: number | string;
  place: Place;
  /** A text in the place whose first byte is flipped. Without it, the middle byte of the place. */
  at?: string | undefined;
};

/** `following`: how many records of the block stand behind the flipped one. */
type FlippedBit = { file: string; offset: number; sequence: number; following: number };

type StoredRecord = { sequence: number; offset: number; parts: Record<Place, { from: number; to: number }> };

/*
 * A record of nats-server 2.10 to 2.15 without compression and encryption: the length (its highest bit: with headers), the sequence and the time of
 * 8 bytes each, the length of the subject, the subject, the length of the headers (only with headers), the headers, the body, and a checksum of
 * 8 bytes over all but the lengths.
 */
const HEADERS_BIT = 0x8000_0000;
const FIXED_BYTES = 22;
const CHECKSUM_BYTES = 8;
/** The highest bits of a sequence mark an erased message, and a deletion. */
const SEQUENCE_BITS = (1n << 62n) - 1n;

/** Flips the lowest bit of one byte of a stored message. Nothing is random: the same store gives the same bit. */
export async function flipBit({ store, stream, message, place, at }: FlipOptions): Promise<FlippedBit> {
  for (const file of await blocksOf(store, stream)) {
    const block = await readFile(file);
    const records = recordsOf(block);
    const index = records.findIndex((record) => isMeant(block, record, message));
    const record = records[index];
    if (record === undefined) continue;
    const offset = offsetIn(block, record, { place, at });
    block.writeUInt8(block.readUInt8(offset) ^ 1, offset);
    await writeFile(file, block);
    return { file, offset, sequence: record.sequence, following: records.length - index - 1 };
  }
  throw new Error(`no block of ${stream} below ${store} has the message ${message}`);
}

/** In the order of the log. */
async function blocksOf(store: string, stream: string): Promise<string[]> {
  const found = await readdir(store, { recursive: true });
  const ofStream = found.filter((path) => path.includes(`/${stream}/msgs/`) && path.endsWith('.blk'));
  const numberOf = (path: string): number => Number(/(\d+)\.blk$/.exec(path)?.[1]);
  return ofStream.sort((one, other) => numberOf(one) - numberOf(other)).map((path) => join(store, path));
}

function recordsOf(block: Buffer): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let offset = 0; offset + FIXED_BYTES <= block.length; ) {
    const length = block.readUInt32LE(offset);
    const size = length % HEADERS_BIT;
    const end = offset + size - CHECKSUM_BYTES;
    if (size < FIXED_BYTES + CHECKSUM_BYTES || offset + size > block.length) throw new Error(`there is no record at ${offset}`);
    const subject = { from: offset + FIXED_BYTES, to: offset + FIXED_BYTES + block.readUInt16LE(offset + 20) };
    const hasHeaders = length >= HEADERS_BIT;
    const header = { from: subject.to + 4, to: subject.to + 4 + (hasHeaders ? block.readUInt32LE(subject.to) : 0) };
    records.push({
      sequence: Number(block.readBigUInt64LE(offset + 4) & SEQUENCE_BITS),
      offset,
      parts: {
        length: { from: offset, to: offset + 1 },
        sequence: { from: offset + 4, to: offset + 5 },
        subject,
        header,
        body: { from: hasHeaders ? header.to : subject.to, to: end },
        end: { from: end, to: end + CHECKSUM_BYTES },
      },
    });
    offset += size;
  }
  return records;
}

function isMeant(block: Buffer, { sequence, parts: { subject, end } }: StoredRecord, message: number | string): boolean {
  return typeof message === 'number' ? sequence === message : block.subarray(subject.from, end.from).includes(message);
}

function offsetIn(block: Buffer, { sequence, parts }: StoredRecord, { place, at }: Pick<FlipOptions, 'place' | 'at'>): number {
  const { from, to } = parts[place];
  if (from >= to) throw new Error(`message ${sequence} has no ${place}`);
  if (at === undefined) return from + Math.floor((to - from) / 2);
  const found = block.subarray(from, to).indexOf(at);
  if (found === -1) throw new Error(`the ${place} of message ${sequence} has no text ${at}`);
  return from + found;
}
