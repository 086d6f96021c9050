import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createVitest } from 'vitest/node';
import { type TestRun, testsOf } from './test-run.ts';

/*
 * npm run test:counts [-- --check]: loads every test file without running a test, and writes how many tests each registers into
 * `test/counts.json`. `--check`: says what is different from the file, and ends with 1 then. `.ci/run` compares its runs with the file too, so
 * that no test is left out because of the process or the machine that gets it.
 *
 * The skipped tests are written by hand: each needs a person who says that the claim is held elsewhere. The files that CI leaves out are
 * written by hand too. Another file makes the claim of each in a larger form, and CI must run that file.
 */

export type TestCounts = {
  /** How many tests a file registers, with those that are skipped. */
  registered: Readonly<Record<string, number>>;
  /** The tests that CI skips in at least one of its runs, as `FILE: TITLE`. */
  skipped: readonly string[];
  /** The files that CI leaves out, each with the file that has its claim in a larger form. `.ci/run` excludes these. */
  leftOutFor: Readonly<Record<string, string>>;
};

const COUNTS = fileURLToPath(new URL('../../counts.json', import.meta.url));

export function readTestCounts(file = COUNTS): TestCounts {
  return JSON.parse(readFileSync(file, 'utf8')) as TestCounts;
}

/** What is different from the counts: one sentence for each file and each skipped test. */
export function differencesFrom(
  { registered, skipped, leftOutFor }: TestCounts,
  runs: readonly Pick<TestRun, 'registered' | 'skipped'>[],
): string[] {
  const found = new Set<string>();
  const ran = runs.flatMap((run) => Object.entries(run.registered));
  for (const [file, count] of ran) {
    const expected = registered[file];
    if (count !== expected) found.add(`${file} registers ${count} tests instead of ${expected ?? 'none'}`);
  }
  const files = new Set(ran.map(([file]) => file));
  const missing = Object.keys(registered).filter((file) => !files.has(file) && !files.has(leftOutFor[file] ?? ''));
  for (const file of missing) found.add(`${file} did not run`);
  const allSkipped = new Set(runs.flatMap((run) => run.skipped));
  for (const name of allSkipped) if (!skipped.includes(name)) found.add(`it was skipped: ${name}`);
  for (const name of skipped) if (!allSkipped.has(name)) found.add(`it is no skipped test: ${name}`);
  return [...found];
}

async function collectRegistered(): Promise<Record<string, number>> {
  // `vitest.config.ts` reads whether all kinds are meant. The files of a kind share processes, whose listeners add up.
  process.argv.push('--project=*');
  process.env.NODE_NO_WARNINGS = '1';
  const vitest = await createVitest('test', { watch: false, reporters: [], project: ['*'] });
  try {
    const { testModules, unhandledErrors } = await vitest.collect();
    if (unhandledErrors.length > 0) throw unhandledErrors[0];
    return Object.fromEntries(testModules.map(testsOf).toSorted(([left], [right]) => (left < right ? -1 : 1)));
  } finally {
    await vitest.close();
  }
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const registered = await collectRegistered();
  const counts = readTestCounts();
  if (process.argv.includes('--check')) {
    const differences = differencesFrom(counts, [{ registered, skipped: counts.skipped }]);
    for (const difference of differences) print(`test/counts.json: ${difference}`);
    if (differences.length > 0) print('Do the tests register what they should? Then write the file: npm run test:counts');
    process.exitCode = differences.length > 0 ? 1 : 0;
  } else writeFileSync(COUNTS, `${JSON.stringify({ ...counts, registered }, undefined, 2)}\n`);
}
