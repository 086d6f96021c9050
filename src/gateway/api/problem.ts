import { z } from 'zod';
import { AmbiguousIdError, InvalidInputError, type NameOf, SequentError, UnknownOutcomeError } from '#src/core/errors.ts';
import { requirementOf } from '#src/core/text/problems.ts';
import { pointerTo } from '#src/gateway/http/bodies/body.ts';
import type { HttpError, Issue } from '#src/gateway/http/http-error.ts';
import type { Problem } from './common-schemas.ts';

/** An error of the own API as a problem (RFC 9457). `code` is the stable name of the kind of error. `nameOf` is that of the caller's scope. */
export function toProblem(error: HttpError, nameOf: NameOf): Problem {
  const origin = error.cause instanceof SequentError ? error.cause : error;
  const code = error.status === 500 ? 'INTERNAL' : origin.code === 'HTTP_ERROR' ? (codes[error.status] ?? 'INVALID_REQUEST') : origin.code;
  const errors = error.errors ?? issuesIn(origin, nameOf);
  return {
    type: `urn:sequent:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status: error.status,
    detail: error.messageFor(nameOf),
    code,
    ...(origin instanceof UnknownOutcomeError ? { invocation_id: origin.id } : {}),
    ...(origin instanceof AmbiguousIdError ? { functions: origin.functions.map(nameOf) } : {}),
    ...(error.missingRole === undefined ? {} : { missing_role: error.missingRole }),
    ...(error.retryKey === undefined ? {} : { idempotency_key: error.retryKey }),
    ...(errors === undefined || errors.length === 0 ? {} : { errors: [...errors] }),
  };
}

/** The mistakes in a definition, each with the pointer of its field. */
export function issuesIn(origin: SequentError, nameOf: NameOf): Issue[] | undefined {
  if (!(origin instanceof InvalidInputError)) return undefined;
  if (origin.cause instanceof z.ZodError)
    return origin.cause.issues.slice(0, 20).map((issue) => ({ pointer: pointerTo(issue.path), detail: requirementOf(issue) }));
  // `field` is a path such as `policy.onSuccess[0]`, or a name such as `If-Match`, which has no pointer.
  if (!/^[a-z]\w*(?:[.[][\w\]]+)*$/.test(origin.field)) return undefined;
  return [{ pointer: pointerTo(origin.field.replaceAll(/\[(\w+)\]/g, '.$1').split('.')), detail: origin.messageFor(nameOf) }];
}

const codes: Readonly<Record<number, string | undefined>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  406: 'NOT_JSON',
  409: 'IN_PROGRESS',
  412: 'PRECONDITION_FAILED',
  413: 'TOO_LARGE',
  415: 'NOT_JSON',
  422: 'KEY_REUSED',
  428: 'PRECONDITION_REQUIRED',
  429: 'OVERLOADED',
  501: 'NOT_IMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'UNKNOWN_OUTCOME',
};
