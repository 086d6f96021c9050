import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import { z } from 'zod';
import { ArchiveDamagedError } from '#src/core/errors.ts';
import type { FullLogEntry, WakeTimes } from '#src/core/log/event-log.ts';
import type { SourceEntry, StoredEntry } from '#src/core/log/log-source.ts';
import type { Segment } from '#src/core/ports/archive.ts';
import { parseJson } from '#src/core/text/json.ts';

/*
 * A segment is a line of JSON that describes it, then its messages, one a line, compressed. What a line holds tells what it is:
 * two values a hint, three a message that was erased, more a message word for word.
 */

/** A hint is only counted; an erased message says which erasure took it. */
export type SegmentLine =
  | readonly [sequence: number, at: number]
  | readonly [sequence: number, at: number, erasure: string]
  | readonly [sequence: number, at: number, subject: string, headers: string | null, body: string | { b64: string }, attention?: WakeTimes];

const segmentSchema = z.object({
  v: z.literal(1),
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
  original: z.string(),
  previous: z.string(),
  erasures: z.array(z.string()),
});

export type SegmentContent = { segment: Segment; bytes: Buffer };
/** Where a segment stands in its chain: behind which sequence, and behind which link. */
export type ChainPosition = { log: string; after: number; previous: string };

/** The most messages of a segment, and the most bytes of its content before it is compressed, about. */
export const MOST_MESSAGES = 20_000;
export const MOST_BYTES = 16_000_000;
/** A description is never longer, so that reading so much reads all of it. */
export const MOST_HEADER_BYTES = 4_096;
const NEWLINE = 0x0a;

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);
/** Higher takes several times as long for a tenth less. */
const QUALITY = 4;

export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** What the next segment names as its previous one. It stays when something is erased. */
export function linkOf({ v, log, first, last, messages, hints, missing, firstAt, lastAt, original, previous }: Segment): string {
  return sha256(JSON.stringify([v, log, first, last, messages, hints, missing, firstAt, lastAt, original, previous]));
}

/** `<log>/<first sequence>.seg`: two that archive at the same time want the same name, and one gets it. */
export function nameOf({ log, first }: Pick<Segment, 'log' | 'first'>): string {
  return `${folderOf(log)}${String(first).padStart(16, '0')}.seg`;
}

/** A log that was made anew has a folder of its own. */
export const folderOf = (log: string): string => `${log.replaceAll(/[^0-9A-Za-z]+/g, '-')}/`;

export function lineOf({ sequence, at, subject, headers, body, content }: SourceEntry): SegmentLine {
  if (content.kind === 'hint') return [sequence, at];
  if (content.kind === 'erased') return [sequence, at, content.by];
  const text = typeof body === 'string' ? body : { b64: Buffer.from(body).toString('base64') };
  if (content.kind !== 'append' || Object.keys(content.wakeTimes).length === 0) return [sequence, at, subject, headers, text];
  return [sequence, at, subject, headers, text, content.wakeTimes];
}

/** Makes the segment that follows a place. `last` is the last sequence that it covers, with or without a message. */
export async function encodeSegment(
  lines: readonly string[],
  last: number,
  { log, after, previous }: ChainPosition,
): Promise<SegmentContent> {
  const parsed = lines.map((line) => parseHead(line));
  const content = await compressed(lines);
  const segment: Segment = {
    v: 1,
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
    original: sha256(content),
    previous,
    erasures: [],
  };
  return { segment, bytes: withHeader(segment, content) };
}

/** The same segment after an erasure: its place in the chain stays. */
export async function reencodeSegment(old: Segment, lines: readonly string[], erased: number, erasure: string): Promise<SegmentContent> {
  const content = await compressed(lines);
  const erasures = old.erasures.includes(erasure) ? old.erasures : [...old.erasures, erasure];
  const segment: Segment = { ...old, erased, content: sha256(content), erasures };
  return { segment, bytes: withHeader(segment, content) };
}

/** Reads the description. Throws `ArchiveDamagedError`. */
export function parseSegment(name: string, bytes: Buffer): Segment {
  const end = bytes.indexOf(NEWLINE);
  const found = end < 0 ? undefined : segmentSchema.safeParse(parseJson(bytes.subarray(0, end).toString()));
  if (found?.success) return found.data;
  throw new ArchiveDamagedError({ segment: name, problem: 'does not begin with its description' });
}

/** The lines of a segment. Throws `ArchiveDamagedError` when they are not what the description says. */
export async function decodeLines(name: string, bytes: Buffer, expected: Segment): Promise<string[]> {
  const content = bytes.subarray(bytes.indexOf(NEWLINE) + 1);
  const found = parseSegment(name, bytes);
  if (sha256(content) !== found.content) throw new ArchiveDamagedError({ segment: name, problem: 'is damaged: its SHA-256 is another' });
  if (linkOf(found) !== linkOf(expected)) throw new ArchiveDamagedError({ segment: name, problem: 'is not the one that was here before' });
  const text = (await decompress(content)).toString();
  const lines = text === '' ? [] : text.split('\n');
  if (lines.length === found.messages) return lines;
  throw new ArchiveDamagedError({ segment: name, problem: `holds ${lines.length} messages, not ${found.messages}` });
}

type Decode = (entry: StoredEntry) => FullLogEntry;

/** One message, as the log told it. */
export function entryOf(line: string, decode: Decode): SourceEntry {
  const values = JSON.parse(line) as SegmentLine;
  const [sequence, at] = values;
  const nothing = { sequence, at, subject: '', headers: null, body: '' };
  if (values.length === 2) return { ...nothing, content: { kind: 'hint', sequence, at } };
  if (values.length === 3) return { ...nothing, content: { kind: 'erased', sequence, at, by: values[2] } };
  const [, , subject, headers, text, wakeTimes] = values;
  const body = typeof text === 'string' ? text : Buffer.from(text.b64, 'base64');
  const stored = { sequence, at, subject, headers, body };
  const content = decode(stored);
  return { ...stored, content: content.kind === 'append' && wakeTimes !== undefined ? { ...content, wakeTimes } : content };
}

/** Where a line stands, without taking it apart. */
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
