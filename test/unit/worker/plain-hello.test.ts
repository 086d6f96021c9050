import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a function without a flow runs in memory in at most 50 files, none of which is of the flow', async () => {
  // The coverage of V8 needs a process of its own: vitest transforms the modules of this one.
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'bench/main.ts', 'plain-hello']);
  const [, files, ofFlow] = /(\d+) files for \S+, (\d+) of the flow/.exec(stdout) ?? [];
  expect(Number(ofFlow)).toBe(0);
  expect(Number(files)).toBeGreaterThan(20);
  expect(Number(files)).toBeLessThanOrEqual(50);
});
