import type { z } from 'zod';
import { SequentError, UnknownOutcomeError } from '#src/core/errors.ts';
import type { HttpError } from '../http-error.ts';
import type { problemSchema } from './schemas.ts';

type Problem = z.infer<typeof problemSchema>;

/** An error of the own API, as RFC 9457 has it. `code` is the stable name of what happened. */
export function toProblem(error: HttpError): Problem {
  const origin = error.cause instanceof SequentError ? error.cause : error;
  const code = error.status === 500 ? 'INTERNAL' : origin.code === 'HTTP_ERROR' ? (codes[error.status] ?? 'INVALID_REQUEST') : origin.code;
  return {
    type: `urn:sequent:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status: error.status,
    detail: error.message,
    code,
    ...(origin instanceof UnknownOutcomeError ? { invocation_id: origin.id } : {}),
  };
}

const codes: Readonly<Record<number, string | undefined>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  406: 'NOT_JSON',
  412: 'PRECONDITION_FAILED',
  413: 'TOO_LARGE',
  422: 'KEY_REUSED',
  429: 'OVERLOADED',
  501: 'NOT_IMPLEMENTED',
  503: 'UNAVAILABLE',
};
