import { randomUUID } from 'node:crypto';
import { decodeBase64 } from '#src/core/text/base64.ts';
import { type CostlyJson, type JsonBounds, type JsonString, scanJson } from './json-scan.ts';

/** Where a JSON text has the content of a file: the names of the members, and `*` for each element of an array. */
export type ContentPath = { path: readonly string[]; encoding: 'text' | 'base64' };

/** A string of so many bytes is read by itself. */
const LONG_BYTES = 128;
/** What remains is parsed at once, in about 10 ms. Ten thousand files with short paths and texts have 3 MB. */
const MAX_PARSED_BYTES = 4 * 1_024 * 1_024;
/** The longest string that is no content. */
const MAX_STRING_BYTES = 262_144;
/** So many bytes of a string are decoded at once. */
const PART_BYTES = 131_072;

const COLON = 0x3a;
const BACKSLASH = 0x5c;
const U = 0x75;

/** Stands for a long string while the remainder is parsed. No caller can know it. */
const MARK = randomUUID();

export type LargeJson = { refused: CostlyJson } | { value: unknown };

/**
 * Parses a large body in parts, between which the thread may serve others. The strings at the paths become the bytes that they stand for; one that is
 * no base64 stays a string. Throws `SyntaxError` when the body is no JSON, and `TypeError` when it is no UTF-8.
 */
export function* parseLargeJson(body: Uint8Array, bounds: JsonBounds, contents: readonly ContentPath[]): Generator<undefined, LargeJson> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const long: JsonString[] = [];
  const found = (string: JsonString): void => {
    if (!isName(bytes, string)) long.push(string);
  };
  const refused = yield* scanJson(bytes, bounds, { minBytes: LONG_BYTES, found });
  if (refused !== undefined) return { refused };
  const longBytes = long.reduce((sum, { start, end }) => sum + end - start, 0);
  if (bytes.length - longBytes > MAX_PARSED_BYTES)
    return { refused: { status: 413, problem: `has more than ${MAX_PARSED_BYTES} bytes in names and short strings` } };
  const root = { value: JSON.parse(yield* withoutStrings(bytes, long)) as unknown };
  yield;
  // A content has at most as many bytes as its string. One buffer for all contents spares the garbage collector thousands of small ones.
  let room = Buffer.allocUnsafe(longBytes);
  for (const { holder, key, encoding } of yield* positionsIn(root, { key: 'value', contents, depth: 0 })) {
    const text = String(holder[key]);
    const string = text.startsWith(MARK) ? long[Number(text.slice(MARK.length))] : undefined;
    if (string === undefined) holder[key] = contentOf(text, encoding);
    else if (encoding !== undefined) {
      const content = yield* decodeContent(bytes, { ...string, encoding, room });
      room = room.subarray(content.length);
      holder[key] = content;
    } else if (string.end - string.start > MAX_STRING_BYTES) return { refused: tooLong };
    else {
      holder[key] = JSON.parse(utf8.decode(bytes.subarray(string.start, string.end + 1)));
      yield;
    }
  }
  return root;
}

const tooLong: CostlyJson = { status: 413, problem: `has a string of more than ${MAX_STRING_BYTES} bytes that is no code` };
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Names of members are parsed with the remainder. */
function isName(bytes: Buffer, { end }: JsonString): boolean {
  let at = end + 1;
  while (at < bytes.length && isSpace(bytes[at])) at++;
  return bytes[at] === COLON;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The text with a mark for each long string. */
function* withoutStrings(bytes: Buffer, long: readonly JsonString[]): Generator<undefined, string> {
  let text = '';
  let at = 0;
  for (const [index, { start, end }] of [...long, { start: bytes.length, end: bytes.length }].entries()) {
    text += utf8.decode(bytes.subarray(at, start));
    if (start < bytes.length) text += `"${MARK}${index}"`;
    at = end + 1;
    if (index % 1_000 === 999) yield;
  }
  return text;
}

/** A string of a value that stands for another one, or for a content. */
type Position = { holder: Record<string, unknown>; key: string; encoding: ContentPath['encoding'] | undefined };

/** Visits the strings of a value. The depth is bounded by the scan. */
function* positionsIn(
  holder: Record<string, unknown>,
  { key, contents, depth }: { key: string; contents: readonly ContentPath[]; depth: number },
): Generator<undefined, Position[]> {
  const value = holder[key];
  if (typeof value === 'string') {
    const encoding = contents.find(({ path }) => path.length === depth)?.encoding;
    return encoding === undefined && !value.startsWith(MARK) ? [] : [{ holder, key, encoding }];
  }
  if (typeof value !== 'object' || value === null) return [];
  const isArray = Array.isArray(value);
  const positions: Position[] = [];
  for (const [index, inner] of Object.keys(value).entries()) {
    const below = contents.filter(({ path }) => path[depth] === (isArray ? '*' : inner));
    for (const found of yield* positionsIn(value as Record<string, unknown>, { key: inner, contents: below, depth: depth + 1 }))
      positions.push(found);
    if (index % 500 === 499) yield;
  }
  return positions;
}

/** The bytes of a short string. */
function contentOf(text: string, encoding: ContentPath['encoding'] | undefined): unknown {
  if (encoding === 'text') return Buffer.from(text);
  return decodeBase64(text) ?? text;
}

/** The bytes that a long string stands for, at the beginning of a buffer with room for them; the empty string when it is no base64. */
function* decodeContent(
  bytes: Buffer,
  { start, end, encoding, room }: JsonString & { encoding: ContentPath['encoding']; room: Buffer },
): Generator<undefined, Uint8Array | string> {
  let length = 0;
  let kept = '';
  for (let at = start + 1; at < end; ) {
    const cut = partEnd(bytes, at, end);
    const text = kept + (JSON.parse(`"${utf8.decode(bytes.subarray(at, cut))}"`) as string);
    at = cut;
    const taken = at < end ? wholeCharacters(text, encoding) : text.length;
    kept = text.slice(taken);
    const part = encoding === 'text' ? Buffer.from(text.slice(0, taken)) : decodeBase64(text.slice(0, taken), at < end);
    if (part === undefined) return '';
    length += part.copy(room, length);
    yield;
  }
  return room.subarray(0, length);
}

/** Where a part ends that begins at a character: before a character or an escape that it would cut. */
function partEnd(bytes: Buffer, start: number, end: number): number {
  let cut = Math.min(end, start + PART_BYTES);
  if (cut === end) return end;
  const part = bytes.subarray(start, cut);
  for (let at = part.indexOf(BACKSLASH); at >= 0; ) {
    const next = at + (bytes[start + at + 1] === U ? 6 : 2);
    if (next > part.length) return start + at;
    at = part.indexOf(BACKSLASH, next);
  }
  while (cut > start && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return cut;
}

/** How many characters of a part are decoded: groups of four of base64, and no half of a character of two. */
function wholeCharacters(text: string, encoding: ContentPath['encoding']): number {
  if (encoding === 'base64') return text.length - (text.length % 4);
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
}
