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

  test('that is recorded appends its counts to a file, and prints no line of counts', async () => {
    await writeFile(join(folder, 'x.test.ts'), `import { test } from 'vitest';\ntest("a", () => {}); test.skip("b", () => {});\n`);
    for (let run = 0; run < 2; run++) expect(runTests(recorded()).stdout).not.toMatch(/^\d+ passed, \d+ failed/m);
    const runs = (await readFile(join(folder, 'runs'), 'utf8')).trim().split('\n');
    expect(runs.map((line) => JSON.parse(line))).toEqual(
      Array(2).fill(expect.objectContaining({ passed: 1, ran: { '': 1 }, skipped: ['x.test.ts: b'], failures: [] })),
    );
  });
});

/** Each run of these tests notes itself in a file, and fails in the way that its title says. */
const planted = `import { appendFileSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { INVARIANT } from '${checkout}/test/support/vitest/test-run.ts';
const runs = (name) => {
  const file = import.meta.dirname + '/' + name;
  appendFileSync(file, 'x');
  return readFileSync(file, 'utf8').length;
};
`;
const lost = `test('a lost message', () => { if (runs('lost') === 1) expect(['order-7'], INVARIANT).toEqual([]); });`;
const twice = `test('a doubled execution', () => { if (runs('twice') === 1) expect(2, INVARIANT).toBe(1); });`;
const wrong = `test('a wrong text', () => { runs('wrong'); expect('no').toBe('yes'); });`;
const hang = `test('a hang', { timeout: 200 }, () => { runs('hang'); return new Promise(() => {}); });`;
const late = `test('a late answer', async () => { if (runs('late') === 1) await expect.poll(() => 1, { timeout: 100 }).toBe(2); });`;
const odd = `test('an odd value', () => { expect(runs('odd')).toBeGreaterThan(1); });`;

describe('the verdict of CI', () => {
  test.for([
    ['a lost message', lost, 'lost', 1],
    ['a doubled execution', twice, 'twice', 1],
    ['a wrong text', wrong, 'wrong', 2],
    ['a hang', hang, 'hang', 2],
  ] as const)('is red for %s, names it, and repeats no broken invariant', async ([title, content, file, runs]) => {
    await writeFile(join(folder, 'x.test.ts'), planted + content);
    expect(runTests(recorded()).status).toBe(1);
    const { lines, status } = await verdict();
    expect(lines).toContain(`failed: x.test.ts: ${title}`);
    expect({ last: lines.at(-1), status }).toEqual({ last: '0 passed, 1 failed', status: 1 });
    expect((await readFile(join(folder, file), 'utf8')).length).toBe(runs);
  });

  test.for([
    ['a time limit passes again once', late, 'late', 2],
    ['any other assertion passes again twice', odd, 'odd', 3],
  ] as const)('is green and names the test as unstable when %s', async ([, content, file, runs]) => {
    await writeFile(join(folder, 'x.test.ts'), planted + content);
    expect(runTests(recorded()).status).toBe(1);
    const { lines, status } = await verdict();
    expect(lines.find((line) => line.startsWith('unstable: x.test.ts: '))).toBeDefined();
    expect(lines.join('\n')).toMatch(/failed after [\d.]+ s at load [\d.]+; its file passed alone after .*; seed 7\n/);
    expect({ last: lines.at(-1), status }).toEqual({ last: '1 passed, 0 failed', status: 0 });
    expect((await readFile(join(folder, file), 'utf8')).length).toBe(runs);
  });
});

const recorded = () => ({ SEQUENT_TEST_RUNS: join(folder, 'runs'), SEQUENT_SEED: '7' });

async function verdict(): Promise<{ lines: string[]; status: number | null }> {
  await writeFile(join(folder, 'counts.json'), JSON.stringify({ registered: { 'x.test.ts': 1 }, skipped: [], leftOutFor: {} }));
  await writeFile(join(folder, 'quarantine.txt'), '# no test\n');
  const command = ['--import', 'tsx', 'test/support/vitest/verdict.ts', folder, join(folder, 'runs'), '1', '600'];
  const repeat = [process.execPath, join(folder, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder];
  const { stdout, status } = spawnSync(process.execPath, [...command, ...repeat], { cwd: checkout, encoding: 'utf8' });
  return { lines: stdout.trimEnd().split('\n'), status };
}

function runTests(env: Record<string, string> = {}): { stdout: string; status: number | null } {
  return spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, NO_COLOR: '1', ...env },
  });
}
