import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import { InvalidInputError } from '#src/core/errors.ts';
import { createPause, PART_BYTES } from '#src/core/quotas/in-parts.ts';

/**
 * Reads untrusted zip archives.
 *
 * 1. The central directory decides, and every local header must agree with it, so that all readers of an archive see the same content.
 * 2. Refused are: names that leave the folder or hide in it, links, encryption, zip64, and entries that share bytes.
 * 3. The limits are enforced while inflating. The sizes that the archive states are not trusted.
 */

export type ZipLimits = { entries: number; totalBytes: number };
export type ZipFile = {
  path: string;
  content: Uint8Array;
  /** Present when the owner of the file may execute it. An archive that was not packed on Unix does not say so. */
  isExecutable?: true;
};

export const ZIP_LIMITS: ZipLimits = { entries: 10_000, totalBytes: 128 * 1_024 * 1_024 };

type Entry = {
  path: string;
  isExecutable: boolean;
  name: Buffer;
  method: number;
  crc: number;
  packedBytes: number;
  bytes: number;
  offset: number;
};

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;
const MADE_ON_UNIX = 3;
const inflate = promisify(inflateRaw);

/** The files of an archive. Throws `InvalidInputError`. */
export async function readZip(archive: Buffer, limits: ZipLimits = ZIP_LIMITS): Promise<ZipFile[]> {
  const entries = await readDirectory(archive, limits);
  const files: ZipFile[] = [];
  const pause = createPause();
  let left = limits.totalBytes;
  let freeFrom = 0;
  for (const entry of [...entries].sort((one, other) => one.offset - other.offset)) {
    if (entry.offset < freeFrom) throw refused(`${show(entry)} shares bytes with another entry`);
    const { packed, end } = findContent(archive, entry);
    freeFrom = end;
    if (entry.path.endsWith('/')) continue;
    const content = await unpack(packed, entry, left);
    left -= content.length;
    const file: ZipFile = { path: entry.path, content };
    if (entry.isExecutable) file.isExecutable = true;
    files.push(file);
    await pause(content.length);
  }
  return files;
}

async function readDirectory(archive: Buffer, { entries: maxEntries }: ZipLimits): Promise<Entry[]> {
  const { start, end, count } = findDirectory(archive);
  if (count > maxEntries) throw refused(`has more than ${maxEntries} entries`);
  const entries: Entry[] = [];
  const pause = createPause();
  const paths = new Set<string>();
  let at = start;
  for (let index = 0; index < count; index++) {
    if (at + 46 > end || archive.readUInt32LE(at) !== CENTRAL) throw refused('has a damaged directory');
    const lengths = archive.readUInt16LE(at + 28) + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
    if (at + 46 + lengths > end) throw refused('has a damaged directory');
    const entry = readEntry(archive, at);
    claim(paths, entry.path);
    entries.push(entry);
    at += 46 + lengths;
    await pause(lengths);
  }
  if (at !== end) throw refused('has a damaged directory');
  return entries;
}

/** The extent of the central directory, from the end record. */
function findDirectory(archive: Buffer): { start: number; end: number; count: number } {
  const end = findEnd(archive);
  const count = archive.readUInt16LE(end + 10);
  const size = archive.readUInt32LE(end + 12);
  const start = archive.readUInt32LE(end + 16);
  if (archive.readUInt16LE(end + 4) !== 0 || archive.readUInt16LE(end + 8) !== count) throw refused('is split into several files');
  if (count === 0xffff || size === 0xffffffff || start === 0xffffffff) throw refused('is of the kind zip64');
  if (start + size !== end) throw refused('has a damaged directory');
  return { start, end, count };
}

/**
 * Finds the end record. The comment after it may be long, and may contain a false end record, so the record must reach to the end of the file.
 */
function findEnd(archive: Buffer): number {
  for (let at = archive.length - 22; at >= Math.max(0, archive.length - 22 - 0xffff); at--) {
    if (archive.readUInt32LE(at) === END && at + 22 + archive.readUInt16LE(at + 20) === archive.length) return at;
  }
  throw refused('is no zip archive');
}

function readEntry(archive: Buffer, at: number): Entry {
  const name = archive.subarray(at + 46, at + 46 + archive.readUInt16LE(at + 28));
  const path = decodePath(name);
  // An archive packed on Unix has the file mode in the upper half.
  const mode = archive.readUInt32LE(at + 38) >>> 16;
  const entry = {
    path,
    isExecutable: archive.readUInt8(at + 5) === MADE_ON_UNIX && (mode & 0o100) !== 0,
    name,
    method: archive.readUInt16LE(at + 10),
    crc: archive.readUInt32LE(at + 16),
    packedBytes: archive.readUInt32LE(at + 20),
    bytes: archive.readUInt32LE(at + 24),
    offset: archive.readUInt32LE(at + 42),
  };
  if ((archive.readUInt16LE(at + 8) & 0x1) !== 0) throw refused(`${show(entry)} is encrypted`);
  if (entry.method !== STORED && entry.method !== DEFLATED) throw refused(`${show(entry)} is compressed in an unknown way`);
  const kind = mode & 0o170000;
  // Only files and folders are accepted.
  if (kind !== 0 && kind !== 0o100000 && kind !== 0o040000) throw refused(`${show(entry)} is a link or a device`);
  return entry;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const forbidden = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\\:*?"<>|]/u;

function decodePath(name: Buffer): string {
  let path: string;
  try {
    path = utf8.decode(name);
  } catch (cause) {
    throw refused('has a name that is not UTF-8', { cause });
  }
  const segments = path.replace(/\/$/, '').split('/');
  const isSafe =
    path.length <= 1_024 &&
    !forbidden.test(path) &&
    segments.every((one) => one !== '' && one !== '.' && one !== '..' && one.length <= 255);
  if (!isSafe) throw refused(`has an entry whose name cannot be used: ${JSON.stringify(path.slice(0, 100))}`);
  return path;
}

/** Refuses a second entry of one path, also on a file system that ignores case, and a path that is both a file and a folder. */
function claim(paths: Set<string>, path: string): void {
  const key = path.normalize('NFC').toLowerCase().replace(/\/$/, '');
  if (paths.has(key) && !path.endsWith('/')) throw refused(`has ${JSON.stringify(path)} twice`);
  for (let cut = key.lastIndexOf('/'); cut > 0; cut = key.lastIndexOf('/', cut - 1)) {
    const parent = `${key.slice(0, cut)}/`;
    if (paths.has(`file:${key.slice(0, cut)}`)) throw refused(`has a file and a folder of the name ${JSON.stringify(parent)}`);
    paths.add(key.slice(0, cut));
  }
  if (!path.endsWith('/')) paths.add(`file:${key}`);
  else if (paths.has(`file:${key}`)) throw refused(`has a file and a folder of the name ${JSON.stringify(path)}`);
  paths.add(key);
}

function findContent(archive: Buffer, entry: Entry): { packed: Buffer; end: number } {
  const { offset, name, packedBytes } = entry;
  if (offset + 30 > archive.length || archive.readUInt32LE(offset) !== LOCAL)
    throw refused(`${show(entry)} is not where the directory says`);
  const nameEnd = offset + 30 + archive.readUInt16LE(offset + 26);
  const start = nameEnd + archive.readUInt16LE(offset + 28);
  const end = start + packedBytes;
  if (end > archive.length) throw refused(`${show(entry)} is cut off`);
  const isSame = archive.readUInt16LE(offset + 8) === entry.method && archive.subarray(offset + 30, nameEnd).equals(name);
  if (!isSame) throw refused(`${show(entry)} differs from the directory`);
  return { packed: archive.subarray(start, end), end };
}

async function unpack(packed: Buffer, entry: Entry, left: number): Promise<Uint8Array> {
  if (entry.bytes > left) throw refused('holds more than is accepted, unpacked');
  const content = entry.method === STORED ? packed : await inflateUpTo(packed, entry);
  if (content.length !== entry.bytes || (await checksumOf(content)) !== entry.crc) throw refused(`${show(entry)} is damaged`);
  return content;
}

/** The CRC-32 of a content of up to 128 MB. */
export async function checksumOf(content: Uint8Array): Promise<number> {
  let sum = 0;
  for (let at = 0; at < content.length; at += PART_BYTES) {
    sum = crc32(content.subarray(at, at + PART_BYTES), sum);
    if (at + PART_BYTES < content.length) await setImmediate();
  }
  return sum;
}

/** The smallest part that zlib accepts. */
const MIN_PART_BYTES = 64;

async function inflateUpTo(packed: Buffer, entry: Entry): Promise<Buffer> {
  try {
    // zlib requires a limit of at least one byte. One part, which has room, is not joined from parts: 120 MB took this thread for 300 ms.
    return await inflate(packed, { maxOutputLength: Math.max(1, entry.bytes), chunkSize: Math.max(MIN_PART_BYTES, entry.bytes + 1) });
  } catch (cause) {
    throw refused(`${show(entry)} is damaged, or larger than its header says`, { cause });
  }
}

function show({ path }: { path: string }): string {
  return `its entry ${JSON.stringify(path.slice(0, 100))}`;
}

function refused(problem: string, options?: ErrorOptions): InvalidInputError {
  return new InvalidInputError(
    { field: 'the zip archive', problem: problem.startsWith('its ') ? `cannot be used: ${problem}` : problem },
    options,
  );
}
