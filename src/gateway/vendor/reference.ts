import { InvalidInputError } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import { memoizeByText } from '#src/gateway/http/memoize.ts';
import type { Call, Gateway } from '../ports.ts';
import { scopeOf } from '../scope.ts';

/** The function that a path names. */
export type Target = {
  /** The token of the function: with its project, unless the project is the own one, and with its package, unless that is `default`. */
  name: FunctionName;
  /** `latest`, a version, or an alias with its `!`. */
  qualifier: string;
  /** Whether the URN contains the qualifier. Without a qualifier, some calls concern all versions. */
  isQualified: boolean;
};

type Lookup = Pick<Gateway, 'credentials' | 'tenancy' | 'client'>;

/**
 * Reads the URN of the path, in any of its six forms, raw or percent-encoded. Checks the existence of a version or an alias, not of
 * `latest`.
 *
 * Throws `HttpError` 400 for an invalid URN and 403 for another project, and `FunctionNotFoundError`.
 */
export async function targetOf(call: Call, gateway: Lookup): Promise<Target> {
  const target = readTarget(call, gateway);
  if (target.qualifier !== LATEST) await gateway.client.functions.find(target.name, target.qualifier);
  return target;
}

/** Reads the URN of the path without checking that its version or alias exists. */
export function readTarget(call: Call, gateway: Pick<Lookup, 'credentials' | 'tenancy'>): Target {
  const scope = scopeOf(call, gateway);
  const { project, name, qualifier, isQualified } = parse(call.req.param('urn') ?? '');
  if (project !== undefined && !scope.isOpen && project !== scope.project)
    throw new HttpError({ status: 403, message: 'the function URN names another project than the credential' });
  return { name: scope.token(name), qualifier, isQualified };
}

const parse = memoizeByText((urn: string) => {
  const parts = urn.split(':');
  return { ...parseUrn(urn), isQualified: parts.length === (parts[0] === 'urn' ? 8 : 4) };
});

function parseUrn(urn: string): ReturnType<typeof parseFunctionUrn> {
  try {
    return parseFunctionUrn(urn);
  } catch (cause) {
    const message = cause instanceof InvalidInputError ? cause.message : 'the path contains no valid function URN';
    throw new HttpError({ status: 400, vendorCode: 'FSS.1309', message }, { cause });
  }
}
