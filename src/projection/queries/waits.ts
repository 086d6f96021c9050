import type { AnswerOf } from '#src/core/history-questions.ts';
import type { Database, Row, Value } from '#src/projection/store/sqlite.ts';
import { isInProject } from './projects.ts';

type WaitsQuery = { project?: string | undefined; pools?: readonly string[] | undefined; limit: number };

/** How many invocations wait for slots: by pool and function, and by pool and key. Of each pool, the keys with the most waits come first. */
export function readWaits(database: Database, { project, pools, limit }: WaitsQuery): AnswerOf<'waits'> {
  const inProject = project === undefined ? { sql: '1', values: [] } : isInProject('+i.function', project);
  const inPools = pools === undefined ? '' : `AND i.waits_pool IN (${pools.map(() => '?').join(',')})`;
  const from = `FROM invocations i INDEXED BY by_waits_pool WHERE i.waits_pool IS NOT NULL ${inPools} AND ${inProject.sql}`;
  const values: Value[] = [...(pools ?? []), ...inProject.values];
  const counted = (column: string): Row[] =>
    database
      .prepare(`SELECT i.waits_pool, i.${column}, count(*), min(i.waits_since) ${from} GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2`)
      .all(values);
  const keys = counted('waits_key');
  const shown = keys.filter((row, index) => row[0] !== keys[index - limit]?.[0]);
  return {
    functions: counted('function').map(([pool, fn, waiting, since]) => ({ pool, function: fn, waiting, since })),
    keys: shown.map(([pool, key, waiting, since]) => ({ pool, key, waiting, since })),
    isCut: shown.length < keys.length,
  } as AnswerOf<'waits'>;
}
