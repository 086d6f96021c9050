import { type FunctionName, splitName } from '#src/core/names/names.ts';
import { type PoolId, poolOf } from './flow.ts';

/** A pool as people name it. `isShared`: functions name it; otherwise it is that of one function. */
export type ShownPool = { name: string; isShared: boolean };

const SHARED = 'pool.';
const OWN = 'function.';

/** The pools that a name may mean: that of a function, and one that functions share. The name has the project, as that of a function. */
export function poolsNamed(name: FunctionName): PoolId[] {
  const { bare } = splitName(name);
  return [poolOf(name, {}), poolOf(name, { pool: bare })];
}

/** The name of a pool without its project. */
export function shownPool(id: string): ShownPool {
  return { name: splitName(tokenOfPool(id)).bare, isShared: id.startsWith(SHARED) };
}

/** The name of a pool with its project, as a function has it. It says to which project the pool belongs. */
export function tokenOfPool(id: string): FunctionName {
  return id.slice(id.startsWith(SHARED) ? SHARED.length : OWN.length) as FunctionName;
}
