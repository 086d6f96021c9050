import { z } from 'zod';
import type { Failure } from '#machines/facts.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { Execution } from '#src/core/ports/function-host.ts';
import { refusedByFunction } from '#src/hosts/failures.ts';
import { hintsOf } from '#src/hosts/runtime/outcome.mjs';

/** Many servers refuse requests whose headers have more than 8 KB together. */
const MAX_IDS_BYTES = 4_096;

/** The headers of an event for a function behind a subject or a URL. */
export function headersFor({ requestId, functionUrn, attempt, traceparent, requestIds }: Execution): Record<string, string> {
  return {
    'Request-Id': requestId,
    'Function-Urn': functionUrn,
    Attempt: String(attempt),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(requestIds === undefined ? {} : headersOfGroup(requestIds)),
  };
}

/** The headers of requests that run together. An incomplete list of ids would be a trap for a function that counts on all of them. */
function headersOfGroup(requestIds: readonly string[]): Record<string, string> {
  const ids = requestIds.join(',');
  return { 'Request-Count': String(requestIds.length), ...(ids.length > MAX_IDS_BYTES ? {} : { 'Request-Ids': ids }) };
}

/** The event that is sent: an empty payload becomes `{}`. */
export function eventOf({ payload }: Execution): string {
  return payload === '' ? '{}' : payload;
}

const errorPayload = z.object({
  errorMessage: z.string(),
  errorType: z.string().default('Error'),
  stackTrace: z.array(z.string()).default([]),
  /** What the errors of a process function may say too. */
  retryable: z.boolean().optional(),
  retryAfter: z.union([z.number(), z.string()]).optional(),
});

const MAX_MESSAGE = 4_096;

/**
 * The failure in an answer. FunctionGraph's error payload in the body adds its type, message and stack to `defaults`, and its `retryable` and
 * `retryAfter`. `retryAfter` of the defaults is that of the header.
 */
export function failureInAnswer(body: string, defaults: { errorType: string; message: string; retryAfter?: string | undefined }): Failure {
  const payload = errorPayload.safeParse(parseJson(body)).data;
  const message = payload === undefined ? defaults.message : `${defaults.message}: ${payload.errorMessage}`;
  return {
    ...refusedByFunction({ errorType: payload?.errorType ?? defaults.errorType, message: message.slice(0, MAX_MESSAGE) }),
    ...(payload === undefined ? {} : { stackTrace: payload.stackTrace.slice(0, 32) }),
    ...hintsOf(payload?.retryable, payload?.retryAfter ?? defaults.retryAfter),
  };
}
