import { ConflictError, FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import type { AliasInput, FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway } from '../../ports.ts';

type Store = Pick<Gateway, 'client' | 'records'>;

export async function findFunction({ client }: Store, name: FunctionName): Promise<FunctionEntry | undefined> {
  return await client.functions.get(name).catch((error: unknown) => {
    if (error instanceof FunctionNotFoundError) return undefined;
    throw error;
  });
}

/** Stores a definition if the function still has the expected revision. Throws `HttpError` 412 if it was changed since. */
export async function storeFunction({ client, records }: Store, definition: object, expected: number | undefined): Promise<FunctionEntry> {
  const { name } = definition as { name: string };
  // Records of an earlier function of this name, which was deleted without the gateway, must not apply to the new one.
  const deleteFormer = expected === 0 ? await records.deletionOf(name) : undefined;
  await client.functions.change(name, () => definition, { expected, known: [] }).catch(throwPreconditionFailed(expected));
  await deleteFormer?.();
  return await client.functions.get(name);
}

type PolicyChange = {
  qualifier: string;
  /** `undefined` for any revision. */
  expected: number | undefined;
  change: Parameters<Gateway['client']['functions']['changePolicy']>[2];
};

/** Changes the policy of a version or of an alias. Throws `HttpError` 412 if the function was changed since the expected revision. */
export async function storePolicy(
  { client }: Store,
  { definition: { name } }: FunctionEntry,
  { qualifier, expected, change }: PolicyChange,
): Promise<FunctionEntry> {
  return await client.functions.changePolicy(name, qualifier, change, { expected, known: [] }).catch(throwPreconditionFailed(expected));
}

/** Creates or moves an alias. Throws `HttpError` 412 if the function was changed since the expected revision. */
export async function storeAlias(
  { client }: Store,
  name: FunctionName,
  alias: AliasInput,
  expected: number | undefined,
): Promise<FunctionEntry> {
  await client.functions.putAlias(name, alias, expected).catch(throwPreconditionFailed(expected));
  return await client.functions.get(name);
}

/** Deletes a function, and the fields that the vendor's API stores of it. Throws `HttpError` 412 if it has another revision than expected. */
export async function deleteFunction({ client, records }: Store, name: FunctionName, expected: number | undefined): Promise<void> {
  const deleteRecords = await records.deletionOf(name);
  await client.functions.delete(name, expected).catch(throwPreconditionFailed(expected));
  await deleteRecords();
}

/** A caller that expects any revision named no precondition. */
function throwPreconditionFailed(expected: number | undefined): (cause: unknown) => never {
  return (cause) => {
    if (!(cause instanceof ConflictError) || expected === undefined) throw cause;
    throw new HttpError({ status: 412, message: (nameOf) => cause.messageFor(nameOf) }, { cause });
  };
}

/**
 * The revision that a change expects: 0 for a function that does not exist yet, `undefined` for any revision (`If-Match: *`). Throws
 * `HttpError` 428 if an existing function would be overwritten without `If-Match`, and 412 if `*` names no function.
 */
export async function expectedRevision(call: Call, find: () => Promise<FunctionEntry | undefined>): Promise<number | undefined> {
  const given = revisionIn(call);
  if (typeof given === 'number') return given;
  const found = await find();
  if (given === '*') {
    if (found === undefined) throw new HttpError({ status: 412, message: 'there is no such function yet' });
    return undefined;
  }
  if (found === undefined) return 0;
  const message = `the function exists: send its ETag, "${found.revision}", as If-Match, or "*" to overwrite any revision`;
  throw new HttpError({ status: 428, message, errors: [{ parameter: 'If-Match', detail: 'is missing' }] });
}

/** The revision in `If-Match`. Throws `InvalidInputError` for a value that is no ETag. */
export function revisionIn(call: Call): number | '*' | undefined {
  const text = call.req.header('if-match');
  if (text === undefined || text === '*') return text;
  const revision = /^(?:W\/)?"(\d{1,15})"$/.exec(text)?.[1];
  if (revision !== undefined) return Number(revision);
  throw new InvalidInputError({ field: 'If-Match', problem: 'must be the ETag of the function' });
}
