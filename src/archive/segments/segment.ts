import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import { z } from 'zod';
import { ArchiveDamagedError } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { FullLogEntry, WakeTimes } from '#src/core/log/event-log.ts';
import type { SourceEntry, StoredEntry } from '#src/core/log/log-source.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import { merkleRootOf } from './merkle.ts';

/*
 * The format of a segment: a line of JSON with the description, then the compressed lines of the messages, one line per message.
 */

/**
 * The number of values gives the kind of a line: two for a hint, three or four for an erased message, more for a message stored verbatim.
 * The fourth value of an erased message is `<leaf> <digest>`: the leaf of its line (`merkle.ts`), and what signed heads commit to
 * (`digest.ts`).
 */
export type SegmentLine =
  | readonly [sequence: number, at: number]
  | readonly [sequence: number, at: number, erasure: string]
  | readonly [sequence: number, at: number, erasure: string, hashes: string]
  | readonly [sequence: number, at: number, subject: string, headers: string | null, body: string | { b64: string }, wakeTimes?: WakeTimes];

const segmentSchema = z.object({
  v: z.literal(2),
  log: z.string(),
  first: z.int().positive(),
  last: z.int().positive(),
  messages: z.int().min(0),
  hints: z.int().min(0),
  erased: z.int().min(0),
  missing: z.int().min(0),
  firstAt: z.number(),
  lastAt: z.number(),
  content: z.string(),
  root: z.string(),
  previous: z.string(),
  erasures: z.array(z.string()),
});

export type SegmentContent = { segment: Segment; bytes: Buffer };
/** The position of a segment in the chain: after this sequence, and linked to the previous segment. */
export type ChainPosition = { log: string; after: number; previous: string };

/** The size of a segment: messages, and the approximate bytes of the content before compression. */
export const MAX_MESSAGES = 20_000;
export const MAX_BYTES = 16_000_000;
/** The maximum length of a description: a read of this length includes the whole description. */
export const MAX_HEADER_BYTES = 4_096;
const NEWLINE = 0x0a;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);
/** A higher quality takes several times as long and saves a tenth of the size. */
const QUALITY = 4;

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** The link by which the next segment names this one. An erasure does not change the link. */
export function linkOf(segment: Segment): string {
  const { v, log, first, last, messages, hints, missing, firstAt, lastAt, root, previous } = segment;
  return sha256(JSON.stringify([v, log, first, last, messages, hints, missing, firstAt, lastAt, root, previous]));
}

/** `<log>/<first sequence>.seg`. Two janitors that archive at the same time use the same name, so only one of them creates it. */
export function nameOf({ log, first }: Pick<Segment, 'log' | 'first'>): string {
  return `${folderOf(log)}${String(first).padStart(16, '0')}.seg`;
}

/** The folder of a log. A log that was created again has another folder. */
export const folderOf = (log: string): string => `${log.replaceAll(/[^0-9A-Za-z]+/g, '-')}/`;

export function lineOf({ sequence, at, subject, headers, body, content }: SourceEntry): SegmentLine {
  if (content.kind === 'hint') return [sequence, at];
  if (content.kind === 'erased') return markLineOf({ sequence, at }, content.by, content);
  const text = typeof body === 'string' ? body : { b64: Buffer.from(body).toString('base64') };
  if (content.kind !== 'append' || Object.keys(content.wakeTimes).length === 0) return [sequence, at, subject, headers, text];
  return [sequence, at, subject, headers, text, content.wakeTimes];
}

/** The line of an erased message. */
export function markLineOf(
  { sequence, at }: { sequence: number; at: number },
  erasure: string,
  { leaf, digest }: { leaf?: string | undefined; digest?: string | undefined },
): SegmentLine {
  if (leaf === undefined) return [sequence, at, erasure];
  return [sequence, at, erasure, digest === undefined ? leaf : `${leaf} ${digest}`];
}

/** Encodes the segment at a position. `last` is the last sequence of the segment, with or without a message. */
export async function encodeSegment(
  lines: readonly string[],
  last: number,
  { log, after, previous }: ChainPosition,
): Promise<SegmentContent> {
  const parsed = lines.map((line) => parseHead(line));
  const content = await compressed(lines);
  const segment: Segment = {
    v: 2,
    log,
    first: after + 1,
    last,
    messages: lines.length,
    hints: parsed.filter(({ isHint }) => isHint).length,
    erased: 0,
    missing: last - after - lines.length,
    firstAt: parsed[0]?.at ?? 0,
    lastAt: parsed.at(-1)?.at ?? 0,
    content: sha256(content),
    root: merkleRootOf(lines),
    previous,
    erasures: [],
  };
  return { segment, bytes: withHeader(segment, content) };
}

/** The lines after an erasure, and how many of them are marks. */
export type ErasedLines = { lines: readonly string[]; erased: number; erasure: string };

/** Encodes a segment again after an erasure. The position in the chain does not change. */
export async function reencodeSegment(old: Segment, { lines, erased, erasure }: ErasedLines): Promise<SegmentContent> {
  const content = await compressed(lines);
  const erasures = old.erasures.includes(erasure) ? old.erasures : [...old.erasures, erasure];
  const segment: Segment = { ...old, erased, content: sha256(content), erasures };
  return { segment, bytes: withHeader(segment, content) };
}

/** Parses the description of a segment. Throws `ArchiveDamagedError`. */
export function parseSegment(name: string, bytes: Buffer): Segment {
  const end = bytes.indexOf(NEWLINE);
  const found = end < 0 ? undefined : segmentSchema.safeParse(parseJson(bytes.subarray(0, end).toString()));
  if (found?.success) return found.data;
  throw new ArchiveDamagedError({ segment: name, problem: 'does not begin with its description' });
}

/** Decodes the lines of a segment. Throws `ArchiveDamagedError` when they contradict the description. */
export async function decodeLines(name: string, bytes: Buffer, expected: Segment): Promise<string[]> {
  const content = contentOf(bytes);
  const found = parseSegment(name, bytes);
  if (sha256(content) !== found.content)
    throw new ArchiveDamagedError({ segment: name, problem: 'is damaged: its SHA-256 does not match' });
  if (linkOf(found) !== linkOf(expected)) throw new ArchiveDamagedError({ segment: name, problem: 'was replaced by another segment' });
  const text = (await decompress(content)).toString();
  const lines = text === '' ? [] : text.split('\n');
  if (lines.length !== found.messages)
    throw new ArchiveDamagedError({ segment: name, problem: `holds ${lines.length} messages, not ${found.messages}` });
  if (merkleRootOf(lines) !== found.root) throw new ArchiveDamagedError({ segment: name, problem: OTHER_MESSAGES });
  return lines;
}

/** Whether a segment unpacks to these lines. Computes no hash, as `decodeLines` does: the writer of equal bytes has computed them. */
export async function unpacksTo(bytes: Buffer, lines: readonly string[]): Promise<boolean> {
  return (await decompress(contentOf(bytes))).equals(Buffer.from(lines.join('\n')));
}

const contentOf = (bytes: Buffer): Buffer => bytes.subarray(bytes.indexOf(NEWLINE) + 1);

const OTHER_MESSAGES = 'holds other messages than were archived: its Merkle root does not match';

type Decode = (entry: StoredEntry) => FullLogEntry;

/** Decodes a line to the entry that the log delivered. */
export function entryOf(line: string, decode: Decode): SourceEntry {
  const values = JSON.parse(line) as SegmentLine;
  const [sequence, at] = values;
  const empty = { sequence, at, subject: '', headers: null, body: '' };
  if (values.length === 2) return { ...empty, content: { kind: 'hint', sequence, at } };
  if (values.length === 3 || values.length === 4) {
    const [leaf, digest] = values[3]?.split(' ') ?? [];
    return { ...empty, content: { kind: 'erased', sequence, at, by: values[2], leaf, digest } };
  }
  const [, , subject, headers, text, wakeTimes] = values;
  const body = typeof text === 'string' ? text : Buffer.from(text.b64, 'base64');
  const stored = { sequence, at, subject, headers, body };
  const content = decode(stored);
  return { ...stored, content: content.kind === 'append' && wakeTimes !== undefined ? { ...content, wakeTimes } : content };
}

/** Decodes a line as {@link entryOf} does, for a reader that does not need the content of a message. */
export function undecodedEntryOf(line: string): SourceEntry {
  return entryOf(line, ({ sequence, at }) => ({ kind: 'unreadable', sequence, at, why: 'it was not decoded' }));
}

/** The sequence and the time of a line, without parsing the whole line. */
export function parseHead(line: string): { sequence: number; at: number; isHint: boolean } {
  const comma = line.indexOf(',');
  const end = line.indexOf(',', comma + 1);
  const isHint = end < 0;
  return {
    sequence: Number(line.slice(1, comma)),
    at: Number(line.slice(comma + 1, isHint ? -1 : end)),
    isHint,
  };
}

async function compressed(lines: readonly string[]): Promise<Buffer> {
  const text = Buffer.from(lines.join('\n'));
  return await compress(text, {
    params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: text.length },
  });
}

function withHeader(segment: Segment, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(segment)}\n`), content]);
}
