import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { CrowdsToFill, Growth } from '#test/support/scheduler/growth-of-crowds.ts';

const program = fileURLToPath(import.meta.resolve('#test/support/scheduler/growth-of-crowds.ts'));
const WAITING = 20_000;

const crowds: CrowdsToFill['crowds'] = [
  [{ concurrency: 1, key: '$.key', total: 50 }, WAITING],
  [{ concurrency: 1, key: '$.key', order: 'fifo' }, WAITING],
  [{ concurrency: 20, order: 'priority' }, 1],
];

test('no object of a scheduler grows with the keys or requests that wait, so none moves in one step', { timeout: 300_000 }, () => {
  const asked: CrowdsToFill = { waiting: WAITING, crowds };
  const { sizes, grown } = JSON.parse(
    execFileSync(process.execPath, ['--import', 'tsx', program, JSON.stringify(asked)], { encoding: 'utf8' }),
  ) as Growth;
  expect(sizes).toEqual(crowds.map(() => WAITING));
  expect(grown).toEqual([]);
});
