import type { HttpBindings } from '@hono/node-server';
import type { z } from 'zod';
import type { Call } from '#src/gateway/ports.ts';
import { HttpError } from '../http-error.ts';
import { DESCRIPTION_BOUNDS, type JsonBounds, refuseCostlyJson } from './json-scan.ts';

/**
 * Reads the body up to a limit, before any parser sees it. Throws `HttpError` 413, and 400 when the connection ends before the body does.
 *
 * Reads from Node's own request where one exists: a web stream costs more than all other work on a small body.
 */
export function readBody(call: Call, maxBytes: number): Promise<Uint8Array> {
  if (call.req.method === 'GET' || call.req.method === 'HEAD') return Promise.resolve(new Uint8Array());
  const length = call.req.header('content-length');
  if (length !== undefined && Number(length) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  const incoming = call.env?.incoming;
  return incoming === undefined ? readWebBody(call.req.raw, maxBytes) : readNodeBody(incoming, maxBytes);
}

function readNodeBody(incoming: HttpBindings['incoming'], maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (incoming.destroyed) return reject(cutShort());
    const parts: Buffer[] = [];
    let bytes = 0;
    incoming.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= maxBytes) parts.push(part);
      else {
        // The error reply closes the connection, so the remainder of the body is never read.
        incoming.removeAllListeners('data').pause();
        reject(tooLarge(maxBytes));
      }
    });
    incoming.on('end', () => resolve(parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)));
    // `close` also follows `end`.
    incoming.on('close', () => {
      if (!incoming.readableEnded) reject(cutShort());
    });
  });
}

async function readWebBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  return body;
}

export function cutShort(): HttpError {
  return new HttpError({ status: 400, message: 'the connection ended before the request body did' });
}

export function tooLarge(maxBytes: number): HttpError {
  return new HttpError({ status: 413, message: `the request body is larger than ${maxBytes} bytes` });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The body as text of bounded nesting; does not check that the text is JSON. Throws `HttpError` 406, and 413 beyond the bounds. */
export function textOf(body: Uint8Array, bounds?: JsonBounds): string {
  // Before the text is decoded, because a refused body should cost little.
  const costly = refuseCostlyJson(body, bounds);
  if (costly !== undefined) throw new HttpError({ status: costly.status, message: `the request body ${costly.problem}` });
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new HttpError({ status: 406, message: 'the request body is not UTF-8 text' }, { cause });
  }
}

type ParseOptions = {
  /** The vendor's codes of wrong fields. */
  vendorCodes?: Readonly<Record<string, string>>;
  bounds?: JsonBounds | undefined;
};

/**
 * The body, parsed as JSON by the schema. Throws `HttpError` 413 for JSON that costs too much to be parsed, 406 for invalid JSON, and 400 with
 * the vendor code of the first wrong field.
 */
export function parseBody<Schema extends z.ZodType>(
  body: Uint8Array,
  schema: Schema,
  { vendorCodes = {}, bounds = DESCRIPTION_BOUNDS }: ParseOptions = {},
): z.output<Schema> {
  const text = textOf(body, bounds);
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
    message: `${where}: ${shortened(issue?.message ?? 'is not valid')}`,
    errors: parsed.error.issues
      .slice(0, MAX_ISSUES)
      .map(({ path: at, message }) => ({ pointer: pointerTo(at), detail: shortened(message) })),
    vendorCode: Object.hasOwn(vendorCodes, path[0] ?? '') ? (vendorCodes[path[0] ?? ''] ?? 'FSS.0400') : 'FSS.0400',
  });
}

/** Bounds the reply: a hostile body can contain as many mistakes as bytes. */
const MAX_ISSUES = 20;

/** A message of the parser names every unknown key. */
function shortened(message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
}
const MAX_MESSAGE = 1_000;

/** A JSON pointer (RFC 6901). */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
