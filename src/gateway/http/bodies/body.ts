import type { HttpBindings } from '@hono/node-server';
import type { z } from 'zod';
import { checkLongJson } from '#src/core/json/check-json.ts';
import { joinInParts } from '#src/core/quotas/in-parts.ts';
import { inSharedTurns } from '#src/core/quotas/shared-turns.ts';
import { problemOf, requirementOf } from '#src/core/text/problems.ts';
import type { Call } from '#src/gateway/ports.ts';
import { HttpError } from '../http-error.ts';
import { type CostlyJson, DESCRIPTION_BOUNDS, type JsonBounds, refuseCostlyJson, scanJson } from './json-scan.ts';
import { type ContentPath, parseLargeJson } from './large-json.ts';

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
    incoming.on('end', () => resolve(joinInParts(parts)));
    // `close` also follows `end`.
    incoming.on('close', () => {
      if (!incoming.readableEnded) reject(cutShort());
    });
  });
}

async function readWebBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request.body ?? []) {
    bytes += part.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  }
  return await joinInParts(parts);
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
  if (costly !== undefined) throw refusalOf(costly);
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw notText(cause);
  }
}

function refusalOf({ status, problem }: CostlyJson): HttpError {
  return new HttpError({ status, message: `the request body ${problem}` });
}

function notText(cause: unknown): HttpError {
  return new HttpError({ status: 406, message: 'the request body is not UTF-8 text' }, { cause });
}

function notJson(cause: unknown): HttpError {
  return new HttpError({ status: 406, message: 'the request body is not JSON' }, { cause });
}

/** A longer body is read as text in parts. */
const LARGE_BYTES = 65_536;

/** As {@link textOf}, in parts for a large body. */
export function largeTextOf(call: Call, bounds?: JsonBounds): string | Promise<string> {
  const body = call.get('body');
  return body.length <= LARGE_BYTES ? textOf(body, bounds) : inSharedTurns(call.get('project'), textInParts(body, bounds));
}

function* textInParts(body: Uint8Array, bounds?: JsonBounds): Generator<undefined, string> {
  const costly = yield* scanJson(body, bounds);
  if (costly !== undefined) throw refusalOf(costly);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  try {
    for (let at = 0; at < body.length; at += LARGE_BYTES) {
      text += decoder.decode(body.subarray(at, at + LARGE_BYTES), { stream: true });
      yield;
    }
    return text + decoder.decode();
  } catch (cause) {
    throw notText(cause);
  }
}

/** Checks that a text is JSON, a long one in parts. Throws `HttpError` 406. */
export async function expectJson(call: Call, text: string): Promise<void> {
  await inSharedTurns(call.get('project'), checkLongJson(text)).catch((cause: unknown) => {
    throw cause instanceof SyntaxError ? notJson(cause) : cause;
  });
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
    throw notJson(cause);
  }
  return checkContent(content, schema, vendorCodes);
}

/**
 * As {@link parseBody}, for a body with code: up to 32 MB, which would take the thread of all projects for 100 ms. The schema sees the bytes of the
 * code instead of its text.
 */
export async function parseCodeBody<Schema extends z.ZodType>(
  call: Call,
  schema: Schema,
  { vendorCodes = {}, bounds = DESCRIPTION_BOUNDS, contents }: ParseOptions & { contents: readonly ContentPath[] },
): Promise<z.output<Schema>> {
  const parsed = await inSharedTurns(call.get('project'), parseLargeJson(call.get('body'), bounds, contents)).catch((cause: unknown) => {
    throw cause instanceof SyntaxError ? notJson(cause) : cause instanceof TypeError ? notText(cause) : cause;
  });
  if ('refused' in parsed) throw refusalOf(parsed.refused);
  return checkContent(parsed.value, schema, vendorCodes);
}

/** The value by the schema. Throws `HttpError` 400 with the vendor code of the first wrong field. */
export function checkContent<Schema extends z.ZodType>(
  content: unknown,
  schema: Schema,
  vendorCodes: NonNullable<ParseOptions['vendorCodes']> = {},
): z.output<Schema> {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String) ?? [];
  throw new HttpError({
    status: 400,
    message: issue === undefined ? 'the request body is not valid' : problemOf(issue, 'the request body'),
    errors: parsed.error.issues.slice(0, MAX_ISSUES).map((one) => ({ pointer: pointerTo(one.path), detail: requirementOf(one) })),
    vendorCode: Object.hasOwn(vendorCodes, path[0] ?? '') ? (vendorCodes[path[0] ?? ''] ?? 'FSS.0400') : 'FSS.0400',
  });
}

/** Bounds the reply: a hostile body can contain as many mistakes as bytes. */
const MAX_ISSUES = 20;

/** A JSON pointer (RFC 6901). */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
