import { FunctionNotFoundError } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { versionFor } from '#src/core/functions/entry.ts';
import type { WorkerPorts } from './ports.ts';

/** The version that an invocation runs, asked of the registry, because the local copy may lag behind it; `undefined` when it does not exist. */
export async function findVersion(
  findFunction: WorkerPorts['findFunction'],
  name: string,
  context: Parameters<typeof versionFor>[1],
): Promise<RegisteredFunction | undefined> {
  try {
    return versionFor(await findFunction(name), context);
  } catch (error) {
    if (error instanceof FunctionNotFoundError) return undefined;
    throw error;
  }
}
