import type { Failure } from '#machines/facts.ts';
import type { HandlerContext } from './context.mjs';

export const MAX_RESULT_BYTES: number;
export const MAX_ESCAPED_RESULT: number;
export const IN_BASE64: number;

export type Callback = (error?: unknown, result?: unknown) => void;
export type Handler = (event: unknown, context: HandlerContext, callback: Callback) => unknown;

/** Runs a handler on a payload. Never rejects, whatever the handler does. */
export function runHandler(
  handler: Handler,
  payload: string,
  context: HandlerContext,
): Promise<{ payload: string; failure?: undefined } | { failure: Failure }>;

/** What an error says about a further attempt. `retryAfter`: a number of seconds, a date, or the text of an HTTP header. */
export function hintsOf(retryable: unknown, retryAfter: unknown, now?: number): Pick<Failure, 'retryable' | 'retryAfterInMs'>;

/** The failure for a thrown value. Never throws, also when reading the value throws. */
export function describe(thrown: unknown, facts: { code: number; prefix: string }): Failure;
