import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { silentLogger } from '#src/core/ports/logger.ts';
import { PageCheck } from '#src/projection/repair/page-check.ts';
import { findSqlite } from '#src/projection/store/sqlite.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

/** The tables that each step of two rounds checks, for a file with three tables and at least this size. */
async function stepsOf(folder: string, sizeInBytes: number): Promise<(readonly string[])[]> {
  const file = join(folder, 'model.sqlite');
  const database = (await findSqlite())(file);
  for (const name of ['a', 'b', 'c']) database.exec(`CREATE TABLE ${name} (x)`);
  if (sizeInBytes > 0) truncateSync(file, sizeInBytes);
  const steps: (readonly string[])[] = [];
  const check = async (_: string, tables: readonly string[]) => void steps.push(tables);
  let now = 0;
  const pages = new PageCheck({ check: check as never, everyInMs: 3_600_000 }, { clock: { now: () => now }, logger: silentLogger });
  const model = { store: { database }, file, pace: { isIdle: () => true } } as never;
  for (let step = 0; step < 5; step++) await pages.step(model);
  now += 3_600_000;
  await pages.step(model);
  database.close();
  return steps;
}

describe('the check of the pages of a read model', () => {
  test('reads all tables of a small file in one step, once in each round', async ({ folder }) => {
    expect(await stepsOf(folder, 0)).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
  });

  test('reads one table of a large file in each step', async ({ folder }) => {
    expect(await stepsOf(folder, 65_000_000)).toEqual([['a'], ['b'], ['c'], ['a']]);
  });
});
