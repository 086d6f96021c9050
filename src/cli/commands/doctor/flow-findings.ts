import { stuckKeys, stuckKeysInWords } from '#src/analysis/explain/stuck-pools.ts';
import { say } from '#src/cli/texts/say.ts';
import type { PoolState } from '#src/client/state/flow.ts';
import { tokenOfPool } from '#src/core/functions/pool-names.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** One line for each pool in which invocations wait although slots are free. The others share one line. */
export function judgeFlow({ pools = [] }: Examined, now: number): Finding[] {
  const found = pools.flatMap((pool): Finding[] => {
    const stuck = stuckKeys(pool, now);
    if (stuck === undefined) return [];
    const name = tokenOfPool(pool.pool);
    const remedy = say('sequent flow ls {name}, and whether a scheduler and a worker run', { name });
    return [{ level: 'problem', check: say('flow of {name}', { name }), seen: stuckKeysInWords(stuck, now), remedy }];
  });
  const well = pools.length - found.length;
  if (well === 0) return found;
  const sum = (count: (pool: PoolState) => number): number => pools.reduce((all, pool) => all + count(pool), 0);
  const counts = { running: sum(({ running }) => running), waiting: sum(({ waiting }) => waiting) };
  const seen =
    pools.length === 1
      ? say('1 pool of slots, {running} running, {waiting} waiting', counts)
      : say('{count} pools of slots, {running} running, {waiting} waiting', { ...counts, count: pools.length });
  return [{ level: 'ok', check: say('flow'), seen }, ...found];
}
