import { z } from 'zod';
import type { Failure } from '#machines/facts.ts';
import type { Execution } from '#src/core/ports/function-host.ts';
import { parseJson } from '#src/core/text/json.ts';
import { refusedByFunction } from './failures.ts';

/** What a function behind a subject or a URL is told beside its event. */
export function headersFor({ requestId, functionUrn, attempt, traceparent }: Execution): Record<string, string> {
  const headers = { 'Request-Id': requestId, 'Function-Urn': functionUrn, Attempt: String(attempt) };
  return traceparent === undefined ? headers : { ...headers, traceparent };
}

/** The event as it is sent: an empty payload means `{}`. */
export function eventOf({ payload }: Execution): string {
  return payload === '' ? '{}' : payload;
}

const errorPayload = z.object({
  errorMessage: z.string(),
  errorType: z.string().default('Error'),
  stackTrace: z.array(z.string()).default([]),
});

const MAX_MESSAGE = 4_096;

/** The failure in an answer: FunctionGraph's error payload where the body is one, else what the other side said. */
export function failureInAnswer(body: string, said: { errorType: string; message: string }): Failure {
  const payload = errorPayload.safeParse(parseJson(body)).data;
  const message = payload === undefined ? said.message : `${said.message}: ${payload.errorMessage}`;
  return {
    ...refusedByFunction({ errorType: payload?.errorType ?? said.errorType, message: message.slice(0, MAX_MESSAGE) }),
    ...(payload === undefined ? {} : { stackTrace: payload.stackTrace.slice(0, 32) }),
  };
}
