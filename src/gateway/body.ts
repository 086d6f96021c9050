import type { z } from 'zod';
import { HttpError } from './http-error.ts';

/** The most that a request may nest: whoever writes it again as text calls itself for every level. */
const MAX_DEPTH = 1_000;

/** Reads the body up to a limit, before anything parses it. Throws `HttpError` 413. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  if (request.method === 'GET' || request.method === 'HEAD') return new Uint8Array();
  const length = request.headers.get('content-length');
  if (length !== null) {
    if (Number(length) > maxBytes) throw tooLarge(maxBytes);
    const body = new Uint8Array(await request.arrayBuffer());
    if (body.length > maxBytes) throw tooLarge(maxBytes);
    return body;
  }
  if (request.body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the stream.
  for await (const part of request.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError({ status: 413, message: `the request body is larger than ${maxBytes} bytes` });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The body as text that nests no deeper than allowed; whether it is JSON is asked elsewhere. Throws `HttpError` 406. */
export function textOf(body: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch (cause) {
    throw new HttpError({ status: 406, message: 'the request body is not UTF-8 text' }, { cause });
  }
  if (isTooDeep(text)) throw new HttpError({ status: 406, message: `the request body nests deeper than ${MAX_DEPTH} levels` });
  return text;
}

/** The body as JSON of a shape. Throws `HttpError`: 406 when it is no JSON, 400 with `vendorCodes` of the first wrong field. */
export function parseBody<Schema extends z.ZodType>(
  body: Uint8Array,
  schema: Schema,
  vendorCodes: Readonly<Record<string, string>> = {},
): z.output<Schema> {
  const text = textOf(body);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new HttpError({ status: 406, message: 'the request body is not JSON' }, { cause });
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String) ?? [];
  const where = path.length === 0 ? 'the request body' : path.join('.');
  throw new HttpError({
    status: 400,
    message: `${where}: ${issue?.message ?? 'is not valid'}`,
    errors: parsed.error.issues.slice(0, MAX_ISSUES).map(({ path: at, message: detail }) => ({ pointer: pointerTo(at), detail })),
    vendorCode: Object.hasOwn(vendorCodes, path[0] ?? '') ? (vendorCodes[path[0] ?? ''] ?? 'FSS.0400') : 'FSS.0400',
  });
}

/** A hostile body can have as many mistakes as bytes. */
const MAX_ISSUES = 20;

/** A JSON pointer (RFC 6901). */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '"') at = endOfString(text, at);
    else depth += levels[character] ?? 0;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

const levels: Readonly<Record<string, number | undefined>> = { '{': 1, '[': 1, '}': -1, ']': -1 };

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
