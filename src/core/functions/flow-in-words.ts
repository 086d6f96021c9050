import type { Flow } from './flow.ts';

/** A flow in words: its limits, where it finds the key, and its pool. */
export function flowInWords({ key, pool, ...limits }: Flow): string {
  const found = key === undefined ? '' : `; the key is ${key}`;
  return `${limitsInWords({ key, ...limits })} over all workers${found}${pool === undefined ? '' : `; pool ${pool}`}`;
}

/** The limits of a flow. */
export function limitsInWords({ concurrency, key, total }: Pick<Flow, 'concurrency' | 'key' | 'total'>): string {
  if (key === undefined) return `${concurrency} at once`;
  return `${concurrency} of each key at once${total === undefined ? '' : `, ${total} of all keys`}`;
}
