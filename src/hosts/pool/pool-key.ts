import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { Execution } from '#src/core/ports/function-host.ts';

/** What a pool is made for: a version of a function. */
export type Runnable = Pick<Execution, 'definition' | 'version'>;

/** Identifies a pool: the version of a function, `#`, then its code, limits and user data. Processes of one pool serve the same key. */
export type PoolKey = `${string}#${string}`;

/** Keys by definition, because a definition is the same object until it changes. */
const keys = new WeakMap<FunctionDefinition, { version: string; key: PoolKey }>();

export function poolKeyOf({ definition, version }: Runnable): PoolKey {
  const cached = keys.get(definition);
  if (cached?.version === version) return cached.key;
  const { name, handler, timeoutInMs, memoryInMb, userData, secretUserData, concurrency } = definition;
  const key: PoolKey = `${name}:${version}#${JSON.stringify([handler, timeoutInMs, memoryInMb, userData, secretUserData, concurrency])}`;
  keys.set(definition, { version, key });
  return key;
}

/** Whether both keys are of the same version of a function. */
export function isSameVersion(one: PoolKey, other: PoolKey): boolean {
  return one.startsWith(other.slice(0, other.indexOf('#') + 1));
}
