import { spawnSync } from 'node:child_process';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { folderTest as test } from '#test/support/folder-fixture.ts';

const checkout = new URL('../..', import.meta.url).pathname;
let folder: string;

test.beforeEach(async ({ folder: own }) => {
  folder = own;
  await symlink(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(
    join(folder, 'vitest.config.ts'),
    `import { CountReporter } from '${checkout}/test/support/vitest/reporter.ts';
     export default { test: { reporters: ['default', new CountReporter()], setupFiles: ['${checkout}/test/support/vitest/silence.ts'] } };`,
  );
});

describe('a test run', () => {
  test.for([
    ['that passes', 'test("a", () => {});', '1 passed, 0 failed', 0],
    ['with a failure', 'test("a", () => {}); test("b", () => { throw new Error("no"); });', '1 passed, 1 failed', 1],
    ['with a skipped test', 'test("a", () => {}); test.skip("b", () => {});', '1 passed, 0 failed, 1 skipped', 0],
    ['with a file that cannot be loaded', 'throw new Error("no");', '0 passed, 1 failed', 1],
    ['with an error outside of every test', 'test("a", () => {}); afterAll(() => { throw new Error("no"); });', '1 passed, 1 failed', 1],
    ['with an unhandled rejection', 'test("a", () => { void Promise.reject(new Error("no")); });', '1 passed, 1 failed', 1],
    ['with a test that writes to the console', 'test("a", () => console.info("hello"));', '0 passed, 1 failed', 1],
    ['with a file that writes to the console', 'console.warn("hello"); test("a", () => {});', '0 passed, 1 failed', 1],
    [
      'with a test that leaks listeners',
      'import { EventEmitter } from "node:events"; const emitter = new EventEmitter(); test("a", () => { for (let i = 0; i < 11; i++) emitter.on("x", () => i); });',
      '1 passed, 1 failed',
      1,
    ],
  ] as const)('%s shows it in its last line and its exit code', async ([, content, lastLine, exitCode]) => {
    await writeFile(join(folder, 'x.test.ts'), `import { afterAll, test } from 'vitest';\n${content}\n`);
    const { stdout, status } = runTests();
    expect({ lastLine: stdout.trimEnd().split('\n').at(-1), status }).toEqual({ lastLine, status: exitCode });
  });

  test('names each failed test before the last line, and gives the reasons of the first', async () => {
    await writeFile(
      join(folder, 'x.test.ts'),
      `import { describe, expect, test } from 'vitest';
       describe('of a', () => { test('b', () => { throw new Error('no\\nno more'); }); });
       test('c', () => expect({ left: 1 }).toEqual({ left: 2 }));
       test('d', () => { throw new Error(Array.from({ length: 50 }, (_, line) => 'line ' + line).join('\\n')); });
       test.each(Array.from({ length: 60 }, (_, index) => index))('e %i', () => { throw new Error('no'); });`,
    );
    const lines = runTests().stdout.trimEnd().split('\n');
    const end = lines.slice(lines.indexOf('failed: x.test.ts: of a > b'));
    const reasonOfE = ['  Error: no', '  at x.test.ts:5'];
    expect(end).toEqual([
      'failed: x.test.ts: of a > b',
      '  Error: no',
      '  no more',
      '  at x.test.ts:2',
      'failed: x.test.ts: c',
      '  AssertionError: expected { left: 1 } to deeply equal { left: 2 }',
      ...['  - Expected', '  + Received', '    {', '  -   "left": 2,', '  +   "left": 1,', '    }'],
      '  at x.test.ts:3',
      'failed: x.test.ts: d',
      '  Error: line 0',
      ...Array.from({ length: 10 }, (_, line) => `  line ${line + 1}`),
      '  at x.test.ts:4',
      // No more than 40 lines are reasons.
      ...Array.from({ length: 60 }, (_, index) => [`failed: x.test.ts: e ${index}`, ...(index < 8 ? reasonOfE : [])]).flat(),
      '0 passed, 63 failed',
    ]);
  });

  test('whose counts go to a file appends them there, and prints no line of counts', async () => {
    const counts = join(folder, 'counts');
    await writeFile(join(folder, 'x.test.ts'), `import { test } from 'vitest';\ntest("a", () => {}); test.skip("b", () => {});\n`);
    for (let run = 0; run < 2; run++) expect(runTests({ SEQUENT_TEST_COUNTS: counts }).stdout).not.toMatch(/^\d+ passed, \d+ failed/m);
    expect(await readFile(counts, 'utf8')).toBe('1 passed, 0 failed, 1 skipped\n'.repeat(2));
  });
});

describe('the sum of test runs', () => {
  test.for([
    ['of runs that passed', '3 passed, 0 failed\n4 passed, 0 failed, 2 skipped\n', '7 passed, 0 failed, 2 skipped', 0],
    [
      'with a failure',
      'failed: x\n  3 is not 4\n3 passed, 1 failed\n4 passed, 0 failed\n',
      'failed: x\n  3 is not 4\n7 passed, 1 failed',
      1,
    ],
    ['with a run that left no count', '3 passed, 0 failed\n', '3 passed, 1 failed', 1],
    ['of no counts at all', '', '0 passed, 2 failed', 1],
  ] as const)('%s is its last line, and the exit code says whether all passed', async ([, counts, line, exitCode]) => {
    await writeFile(join(folder, 'counts'), counts);
    const { stdout, status } = spawnSync(join(checkout, '.ci/sum-counts'), [join(folder, 'counts'), '2'], { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: `${line}\n`, status: exitCode });
  });
});

function runTests(env: Record<string, string> = {}): { stdout: string; status: number | null } {
  return spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, NO_COLOR: '1', ...env },
  });
}
