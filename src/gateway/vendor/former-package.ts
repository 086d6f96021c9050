import { FunctionNotFoundError } from '#src/core/errors.ts';
import { DEFAULT_PACKAGE, type FunctionName, splitName, splitPackage } from '#src/core/names/names.ts';
import type { Gateway } from '../ports.ts';

type Lookup = Pick<Gateway, 'client' | 'records'>;

/**
 * The function that an earlier version created for a name with a package, if it still exists (PKG2).
 *
 * Earlier versions kept the package in the record of the function alone, so its name has none. The record is in memory, so the registry is
 * read for such a function only.
 */
export async function formerFunction({ client, records }: Lookup, name: FunctionName): Promise<FunctionName | undefined> {
  const { project, bare } = splitName(name);
  const { package: packageOf, name: own } = splitPackage(bare);
  if (packageOf === DEFAULT_PACKAGE) return undefined;
  const former = (project === undefined ? own : `${project}=${own}`) as FunctionName;
  if (records.function(former)?.package !== packageOf) return undefined;
  const [present, before] = await Promise.all([exists(client, name), exists(client, former)]);
  return before && !present ? former : undefined;
}

async function exists({ functions }: Gateway['client'], name: FunctionName): Promise<boolean> {
  try {
    await functions.get(name);
    return true;
  } catch (error) {
    if (error instanceof FunctionNotFoundError) return false;
    throw error;
  }
}
