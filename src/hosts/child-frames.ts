import { z } from 'zod';
import { type Failure, failureSchema } from '#machines/facts.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { splitName } from '#src/core/names/names.ts';
import type { Execution } from '#src/core/ports/function-host.ts';
import { parseJson } from '#src/core/text/json.ts';

/** The lines between the host and a child process. `runtime/child.mjs` implements the child's side. */

export type ChildFrame =
  | { type: 'ready' }
  | { type: 'loaded' }
  | { type: 'start-failed'; failure: Failure; output: string }
  | { type: 'printed'; text: string }
  | { type: 'returned'; id: number; payload: string; output: string; tookInMs: number; memoryUsedInMb?: number }
  | { type: 'failed'; id: number; failure: Failure; output: string; memoryUsedInMb?: number | undefined }
  | { type: 'recalled' | 'withdrawn'; ids: number[] }
  | { type: 'exiting'; id: number | null };

export function startLine(
  { name, timeoutInMs, memoryInMb, maxOutputBytes, userData, secretUserData, handler }: FunctionDefinition,
  functionUrn: string,
): string {
  return JSON.stringify([
    'start',
    {
      ...handler,
      functionUrn,
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

/** Parses one line; `undefined` for an invalid frame. The function can write to this pipe too, so no line is trusted. */
export function parseChildLine(line: string): ChildFrame | undefined {
  const frame = parseJson(line);
  if (!Array.isArray(frame)) return undefined;
  const [type, id, payload, output, took, memory]: unknown[] = frame;
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
  printed: z.tuple([z.literal('printed'), z.string()]).transform(([type, text]) => ({ type, text })),
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
