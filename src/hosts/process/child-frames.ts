import { z } from 'zod';
import { type Failure, failureSchema, MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { parseJson } from '#src/core/json/json.ts';
import { splitName } from '#src/core/names/names.ts';
import type { Execution } from '#src/core/ports/function-host.ts';
import { IN_BASE64, MAX_ESCAPED_RESULT, MAX_RESULT_BYTES } from '#src/hosts/runtime/outcome.mjs';
import { keptBytesOf } from '#src/hosts/runtime/output.mjs';

/** The lines between the host and a child process. `runtime/child.mjs` implements the child's side. */

/** The version of the lines: docs/runtime-protocol.md. */
export const PROTOCOL = 1;

export type ChildFrame =
  | { type: 'ready' }
  | { type: 'loaded' }
  | { type: 'start-failed'; failure: Failure; output: string }
  | { type: 'printed'; text: string; droppedLines?: number | undefined }
  | { type: 'returned'; id: number; payload: string; output: string; tookInMs: number; memoryUsedInMb?: number; droppedBytes?: number }
  | { type: 'failed'; id: number; failure: Failure; output: string; memoryUsedInMb?: number | undefined }
  | { type: 'recalled' | 'withdrawn'; ids: number[] }
  | { type: 'exiting'; id: number | null };

export function startLine({
  definition: { name, timeoutInMs, memoryInMb, maxOutputBytes, userData, secretUserData, handler, ...definition },
  functionUrn,
  codeFolder,
}: {
  definition: FunctionDefinition;
  functionUrn: string;
  codeFolder?: string | undefined;
}): string {
  return JSON.stringify([
    'start',
    {
      ...handler,
      protocol: PROTOCOL,
      functionUrn,
      codeFolder,
      maxResultBytes: maxResultBytesOf(definition),
      definition: { name: splitName(name).bare, timeoutInMs, memoryInMb, maxOutputBytes, userData: { ...userData, ...secretUserData } },
    },
  ]);
}

export function runLine(id: number, execution: Execution): string {
  const { payload, requestId, attempt, qualifier, functionUrn, traceparent, measuresMemory, requestIds } = execution;
  const ids = requestIds === undefined ? [] : [requestIds];
  return JSON.stringify(['run', id, payload, requestId, attempt, qualifier, functionUrn, traceparent, measuresMemory, ...ids]);
}

export function abortLine(id: number): string {
  return JSON.stringify(['abort', id]);
}

export const recallLine = JSON.stringify(['recall']);

/** The largest returned value that leaves a process. Of a larger one, which the log would drop (SRC9), the process tells the size alone. */
function maxResultBytesOf(definition: Pick<FunctionDefinition, 'maxPayloadBytes'>): number {
  return Math.min(MAX_RESULT_BYTES, definition.maxPayloadBytes ?? MAX_PAYLOAD_BYTES);
}

/** The characters of a text in JSON, when each of its bytes is escaped. */
const ESCAPED = 6;
/** The type, the ids and the numbers of a frame, and the failure, whose texts `outcome.mjs` cuts. */
const FAILURE_CHARACTERS = ESCAPED * (128 + 4_096 + 32 * 512);
const SHORT = 65_536;

/**
 * Whether a frame that begins in this way may have this length, in characters (PROC4). The longest frame of a kind is in proportion to the limits of
 * the function.
 */
export function isAllowedLength(definition: FunctionDefinition, start: string, length: number): boolean {
  const output = ESCAPED * keptBytesOf(definition) + SHORT;
  // A value that JSON escapes to more than this is sent in base64.
  if (start.startsWith('["returned",')) return length <= MAX_ESCAPED_RESULT * maxResultBytesOf(definition) + output;
  if (start.startsWith('["printed",')) return length <= output;
  return /^\["(?:start-)?failed",/.test(start) && length <= FAILURE_CHARACTERS + output;
}

/**
 * Parses one line; `undefined` for an invalid frame. The function can write to this pipe too, so no line is trusted.
 *
 * Outside of its texts, a frame is short. So no line makes the parser build many or deep values.
 */
export function parseChildLine(line: string): ChildFrame | undefined {
  const frame = isShort(line) ? parseJson(line) : undefined;
  if (!Array.isArray(frame)) return undefined;
  const [type, id, payload, output, took, memory, dropped]: unknown[] = frame;
  if (type === 'returned' && typeof dropped === 'number') return droppedValue(frame);
  // docs/performance.md H13: the frame of a successful execution is checked without zod.
  if (type === 'returned' && typeof id === 'number' && typeof payload === 'string' && typeof output === 'string') {
    const tookInMs = typeof took === 'number' ? took : Number.POSITIVE_INFINITY;
    return typeof memory === 'number'
      ? { type, id, payload, output, tookInMs, memoryUsedInMb: memory }
      : { type, id, payload, output, tookInMs };
  }
  return typeof type === 'string' && Object.hasOwn(otherFrames, type)
    ? otherFrames[type as keyof typeof otherFrames].safeParse(frame).data
    : undefined;
}

/** The rare frames of values that are too large for the log, or that are sent in base64. */
function droppedValue([, id, payload, output, took, memory, dropped]: readonly unknown[]): ChildFrame | undefined {
  if (typeof id !== 'number' || typeof payload !== 'string' || typeof output !== 'string' || !Number.isSafeInteger(dropped))
    return undefined;
  const frame: ChildFrame = {
    type: 'returned',
    id,
    payload: dropped === IN_BASE64 ? Buffer.from(payload, 'base64').toString() : '',
    output,
    tookInMs: typeof took === 'number' ? took : Number.POSITIVE_INFINITY,
  };
  if (typeof memory === 'number') frame.memoryUsedInMb = memory;
  if (dropped !== IN_BASE64) frame.droppedBytes = Math.max(0, Number(dropped));
  return frame;
}

function isShort(line: string): boolean {
  return line.length <= SHORT || charactersOutsideTexts(line) <= SHORT;
}

/** Counts up to a quotation mark from one to the next, so that long texts cost one search each. */
function charactersOutsideTexts(line: string): number {
  let outside = 0;
  for (let at = 0; at < line.length; ) {
    const opened = line.indexOf('"', at);
    if (opened < 0) return outside + line.length - at;
    outside += opened - at + 1;
    let closed = line.indexOf('"', opened + 1);
    while (closed >= 0 && isEscaped(line, closed)) closed = line.indexOf('"', closed + 1);
    if (closed < 0) return outside;
    at = closed + 1;
  }
  return outside;
}

/** Whether an odd number of backslashes is before a character. */
function isEscaped(line: string, at: number): boolean {
  let from = at;
  while (line.charCodeAt(from - 1) === 0x5c) from -= 1;
  return (at - from) % 2 === 1;
}

/** A failure of the function, with bounded texts: a function can neither report a platform failure nor fill the log. */
const failureOfFunction = failureSchema.transform(
  ({ errorType, message, stackTrace = [], code, retryable, retryAfterInMs }): Failure => ({
    kind: 'function',
    code,
    errorType: errorType.slice(0, 128),
    message: message.slice(0, 4_096),
    stackTrace: stackTrace.slice(0, 32).map((line) => line.slice(0, 512)),
    ...(retryable === undefined ? {} : { retryable }),
    ...(retryAfterInMs === undefined ? {} : { retryAfterInMs }),
  }),
);

/** By their type: a union would try every schema, and describe why it does not fit, for each attempt that fails. */
const otherFrames = {
  ready: z.tuple([z.literal('ready')]).transform(([type]) => ({ type })),
  loaded: z.tuple([z.literal('loaded')]).transform(([type]) => ({ type })),
  printed: z
    .tuple([z.literal('printed'), z.string(), z.int().nonnegative().optional()])
    .transform(([type, text, droppedLines]) => ({ type, text, droppedLines })),
  exiting: z.tuple([z.literal('exiting'), z.number().nullable()]).transform(([type, id]) => ({ type, id })),
  recalled: z.tuple([z.literal('recalled'), z.array(z.number())]).transform(([type, ids]) => ({ type, ids })),
  withdrawn: z.tuple([z.literal('withdrawn'), z.array(z.number())]).transform(([type, ids]) => ({ type, ids })),
  failed: z
    .tuple([z.literal('failed'), z.number(), failureOfFunction, z.string(), z.number().optional()])
    .transform(([type, id, failure, output, memoryUsedInMb]) => ({ type, id, failure, output, memoryUsedInMb })),
  'start-failed': z
    .tuple([z.literal('start-failed'), failureOfFunction, z.string()])
    .transform(([type, failure, output]) => ({ type, failure, output })),
};
