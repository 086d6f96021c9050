import type { HistoryFilter } from '#src/core/history-questions.ts';
import type { Value } from '#src/projection/store/sqlite.ts';
import { type Layer, planOf, whereOf } from './plan.ts';

/** Counts the invocations that match a filter, up to a maximum. */
export function countOf(
  layers: readonly Layer[],
  { most: max, ...filter }: HistoryFilter & { most: number },
): { count: number; isAtLeast: boolean } {
  // Words may occur in both texts of an invocation: in the payload and in the error.
  const seen = new Set<Value>();
  let count = 0;
  for (const scan of planOf(layers, filter)) {
    const { sql, values } = whereOf(scan);
    const limited = `FROM ${scan.from} WHERE ${sql} LIMIT ${max + 1}`;
    const { database } = scan;
    if (filter.text === undefined) count += Number(database.prepare(`SELECT count(*) FROM (SELECT 1 ${limited})`).get(values)?.[0]);
    else for (const [seq = null] of database.prepare(`SELECT i.seq ${limited}`).all(values)) seen.add(seq);
  }
  const found = count + seen.size;
  return { count: Math.min(found, max), isAtLeast: found > max };
}
