import { InvalidInputError } from '#src/core/errors.ts';
import type { FunctionName } from '#src/core/names.ts';
import { parseFunctionUrn } from '#src/core/urn.ts';
import { HttpError } from '../http-error.ts';
import type { Call, Gateway } from '../ports.ts';

/** The function that a path names. */
export type Target = {
  name: FunctionName;
  /** Whether the URN says `:latest`; without it all versions may be meant. */
  isQualified: boolean;
};

/**
 * Reads the URN of the path, in any of its six forms, raw or percent-encoded. Throws `HttpError`: 400 for none of the forms,
 * 403 for another project, 404 for a version or an alias, of which there are none yet.
 */
export function targetOf(call: Call, { credentials }: Pick<Gateway, 'credentials'>): Target {
  const urn = call.req.param('urn') ?? '';
  const parts = urn.split(':');
  const { name, qualifier } = parse(urn);
  const project = parts[0] === 'urn' ? parts[3] : parts.length > 2 ? parts[0] : undefined;
  const own = credentials[0]?.project;
  if (project !== undefined && own !== undefined && project !== own)
    throw new HttpError({ status: 403, message: 'the function URN names another project than the credential' });
  if (qualifier.startsWith('!'))
    throw new HttpError({ status: 404, vendorCode: 'FSS.1053', message: `the alias ${qualifier.slice(1)} of ${name} does not exist` });
  if (qualifier !== 'latest')
    throw new HttpError({ status: 404, vendorCode: 'FSS.1052', message: `the version ${qualifier} of ${name} does not exist` });
  return { name, isQualified: parts.length === (parts[0] === 'urn' ? 8 : 4) };
}

function parse(urn: string): ReturnType<typeof parseFunctionUrn> {
  try {
    return parseFunctionUrn(urn);
  } catch (cause) {
    const message = cause instanceof InvalidInputError ? cause.message : 'is none';
    throw new HttpError({ status: 400, vendorCode: 'FSS.1309', message }, { cause });
  }
}
