import { describe, expect, test } from 'vitest';
import type { FirstFailure, TestRun } from '#test/support/vitest/test-run.ts';
import { judgeRuns, type Repeat } from '#test/support/vitest/verdict.ts';

const failure = (title: string, more: Partial<FirstFailure> = {}): FirstFailure => ({
  ...{ file: `test/${title}.test.ts`, project: 'faults', title, kind: 'limit' as const, reason: ['Error: late'], tookInMs: 1_000, load: 9 },
  ...more,
});
const run = (...failures: FirstFailure[]): TestRun => ({
  passed: 10,
  ran: {},
  registered: {},
  skipped: ['x'],
  failures,
  env: { SEQUENT_SEED: '7' },
});

/** Passes or fails again in the order of `outcomes`, and then passes. Notes what was repeated. */
function repeating(outcomes: readonly boolean[] = []): { repeat: Repeat; repeated: string[] } {
  const left = [...outcomes];
  const repeated: string[] = [];
  const repeat: Repeat = async ({ title }) => {
    repeated.push(title);
    return { passed: left.shift() ?? true, tookInMs: 500, load: 1 };
  };
  return { repeat, repeated };
}

async function verdictOf(runs: TestRun[], outcomes: readonly boolean[] = [], more: Partial<Parameters<typeof judgeRuns>[1]> = {}) {
  const counts = { registered: {}, skipped: [...new Set(runs.flatMap(({ skipped }) => skipped))], leftOutFor: {} };
  const { repeat, repeated } = repeating(outcomes);
  const { lines, isGreen } = await judgeRuns(runs, { expectedRuns: runs.length, hasTime: () => true, repeat, counts, ...more });
  return { lines, isGreen, repeated };
}

test('runs without a failure are green, and their counts are added', async () => {
  expect(await verdictOf([run(), run()])).toEqual({ lines: ['20 passed, 0 failed, 2 skipped'], isGreen: true, repeated: [] });
});

test('a verdict names how many tests of each kind ran, and each skipped test', async () => {
  const { lines } = await verdictOf([{ ...run(), ran: { unit: 9, faults: 1 }, skipped: ['test/a.test.ts: needs root'] }]);
  expect(lines).toEqual(['ran: unit 9, faults 1', 'skipped: test/a.test.ts: needs root', '10 passed, 0 failed, 1 skipped']);
});

test('a run that left no line has crashed, and is red', async () => {
  const { lines, isGreen } = await verdictOf([run()], [], { expectedRuns: 2 });
  expect(lines).toEqual(['failed: 1 of 2 runs ended without a count', '10 passed, 1 failed, 1 skipped']);
  expect(isGreen).toBe(false);
});

test('a broken invariant is red, and its test does not run again', async () => {
  const { lines, isGreen, repeated } = await verdictOf([run(failure('a', { kind: 'invariant' }))]);
  expect(lines).toEqual(['failed: test/a.test.ts: a', '  Error: late', '10 passed, 1 failed, 1 skipped']);
  expect([isGreen, repeated]).toEqual([false, []]);
});

test('a time limit that passed is unstable when its file passes alone, with both times and the seed', async () => {
  const { lines, isGreen, repeated } = await verdictOf([run(failure('a'))]);
  const facts = '  failed after 1.0 s at load 9.0; its file passed alone after 0.5 s at load 1.0; seed 7';
  expect(lines).toEqual(['unstable: test/a.test.ts: a', facts, '  Error: late', '11 passed, 0 failed, 1 skipped']);
  expect([isGreen, repeated]).toEqual([true, ['a']]);
});

test('another assertion must pass twice in a row', async () => {
  const odd = failure('a', { kind: 'assertion' });
  expect(await verdictOf([run(odd)], [true, true])).toMatchObject({ isGreen: true, repeated: ['a', 'a'] });
  expect(await verdictOf([run(odd)], [true, false])).toMatchObject({ isGreen: false, repeated: ['a', 'a'] });
  expect(await verdictOf([run(odd)], [false])).toMatchObject({ isGreen: false, repeated: ['a'] });
});

test('failures of one file share its runs, and those of another server do not', async () => {
  const both = run(failure('a'), { ...failure('b'), file: 'test/a.test.ts' });
  const onOther = { ...both, env: { SEQUENT_SEED: '7', NATS_SERVER_BIN: 'newest' } };
  expect((await verdictOf([both, onOther])).repeated).toEqual(['a', 'a']);
});

test('four unstable tests are red, each of them named', async () => {
  const { lines, isGreen } = await verdictOf([run(...['a', 'b', 'c', 'd'].map((title) => failure(title)))]);
  expect(lines.filter((line) => line.startsWith('unstable: '))).toHaveLength(4);
  expect(lines.at(-2)).toBe('failed: 4 tests are unstable, and at most 3 may be');
  expect(isGreen).toBe(false);
});

test('after nine first failures, or without time, no test runs again', async () => {
  const many = Array.from({ length: 9 }, (_, number) => failure(`t${number}`));
  expect(await verdictOf([run(...many)])).toMatchObject({ isGreen: false, repeated: [] });
  expect(await verdictOf([run(failure('a'))], [], { hasTime: () => false })).toMatchObject({ isGreen: false, repeated: [] });
});

test('a file with other tests than the counts say is red, and so is one that did not run', async () => {
  const counts = { registered: { 'test/a.test.ts': 26, 'test/b.test.ts': 3, 'test/c.test.ts': 1 }, skipped: ['x'], leftOutFor: {} };
  const runs = [
    { ...run(), registered: { 'test/a.test.ts': 1, 'test/b.test.ts': 3 } },
    { ...run(), registered: { 'test/b.test.ts': 3, 'test/d.test.ts': 2 } },
  ];
  const { lines, isGreen, repeated } = await verdictOf(runs, [], { counts });
  expect(lines).toEqual([
    'failed: test/counts.json: test/a.test.ts registers 1 tests instead of 26',
    'failed: test/counts.json: test/d.test.ts registers 2 tests instead of none',
    'failed: test/counts.json: test/c.test.ts did not run',
    '20 passed, 3 failed, 2 skipped',
  ]);
  expect([isGreen, repeated]).toEqual([false, []]);
});

test('a file that is left out for its larger form is not missed, unless the larger form did not run either', async () => {
  const counts = {
    registered: { 'test/a.test.ts': 1, 'test/b.test.ts': 3 },
    skipped: ['x'],
    leftOutFor: { 'test/a.test.ts': 'test/b.test.ts' },
  };
  const larger = { ...run(), registered: { 'test/b.test.ts': 3 } };
  expect(await verdictOf([larger], [], { counts })).toMatchObject({ isGreen: true });
  const { lines } = await verdictOf([run()], [], { counts });
  expect(lines).toContain('failed: test/counts.json: test/a.test.ts did not run');
  // The larger form has another name now, which nobody wrote down.
  const renamed = await verdictOf([larger], [], { counts: { ...counts, leftOutFor: { 'test/a.test.ts': 'test/old.test.ts' } } });
  expect(renamed.lines).toContain('failed: test/counts.json: test/a.test.ts did not run');
});

test('a skipped test that nobody wrote down is red, and so is a written one that was not skipped', async () => {
  const { lines } = await verdictOf([run()], [], { counts: { registered: {}, skipped: ['y'], leftOutFor: {} } });
  expect(lines).toEqual([
    'failed: test/counts.json: it was skipped: x',
    'failed: test/counts.json: it is no skipped test: y',
    '10 passed, 2 failed, 1 skipped',
  ]);
});

describe('the quarantine', () => {
  const line = '2026-12-31 test/a.test.ts: a -- answers late beside many files, see the note of CI';
  const judgedOn = (today: string, text: string, ...failures: FirstFailure[]) =>
    verdictOf([run(...failures)], [], { quarantine: { text, today } });

  test('names a failed test, and neither judges it nor runs it again', async () => {
    const { lines, isGreen, repeated } = await judgedOn('2026-12-31', `# why\n\n${line}\n`, failure('a'));
    expect(lines).toEqual(['quarantined, and failed: test/a.test.ts: a', '10 passed, 0 failed, 1 skipped']);
    expect([isGreen, repeated]).toEqual([true, []]);
  });

  test('excuses no other test, and no broken invariant', async () => {
    const { lines } = await judgedOn('2026-12-31', line, failure('b', { kind: 'invariant' }), failure('a', { kind: 'invariant' }));
    expect(lines.filter((one) => one.startsWith('failed: '))).toEqual(['failed: test/b.test.ts: b', 'failed: test/a.test.ts: a']);
  });

  test.for([
    ['when a date has passed', '2027-01-01', line, 'failed: test/quarantine.txt: the date of test/a.test.ts: a has passed'],
    [
      'with a line that gives no reason',
      '2026-12-01',
      '2026-12-31 test/a.test.ts: a',
      'failed: test/quarantine.txt has a line without its form: 2026-12-31 test/a.test.ts: a',
    ],
    ['with six lines', '2026-12-01', Array(6).fill(line).join('\n'), 'failed: test/quarantine.txt has 6 lines, and at most 5'],
  ] as const)('is red %s', async ([, today, text, problem]) => {
    const { lines, isGreen } = await judgedOn(today, text);
    expect([lines[0], isGreen]).toEqual([problem, false]);
  });
});
