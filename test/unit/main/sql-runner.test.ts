import { describe, expect, test } from 'vitest';
import type { SqlAnswer, SqlQuery } from '#src/core/sql-questions.ts';
import { createSqlRunner, MAX_WAITING_OF_PROJECT } from '#src/main/roles/processes/sql-runner.ts';

const answer: SqlAnswer = { columns: [], rows: [], isCut: false };
const queryOf = (project: string | undefined): SqlQuery => ({ sql: 'SELECT 1', limit: 1, withinMs: 60_000, project });

describe('the queries in SQL of a project', () => {
  test('hold up no query of another one, and their refusal refuses none of another one (SHARE1)', async () => {
    const ends: (() => void)[] = [];
    const started: (string | undefined)[] = [];
    const run = createSqlRunner(async ({ query }) => {
      started.push(query.project);
      if (query.project === 'shop') await new Promise<void>((end) => ends.push(end));
      return answer;
    });
    const slow = Array.from({ length: 1 + MAX_WAITING_OF_PROJECT }, () => run('file', queryOf('shop')));
    await expect(run('file', queryOf('shop'))).rejects.toThrow('8 queries of the project wait already');
    expect(await Promise.all([run('file', queryOf('bank')), run('file', queryOf(undefined))])).toEqual([answer, answer]);
    expect(started).toEqual(['shop', 'bank', undefined]);
    for (let ended = 0; ended < slow.length; ended++) {
      await expect.poll(() => ends.length).toBe(1);
      ends.shift()?.();
    }
    expect(await Promise.all(slow)).toHaveLength(slow.length);
  });

  test('leave their place also when a query fails', async () => {
    const run = createSqlRunner(async ({ file }) => {
      if (file === 'broken') throw new Error('no answer');
      return answer;
    });
    await expect(run('broken', queryOf('shop'))).rejects.toThrow('no answer');
    expect(await run('file', queryOf('shop'))).toBe(answer);
  });
});
