import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { differencesFrom, readTestCounts, type TestCounts } from './test-counts.ts';
import { type FirstFailure, linesOf, nameOf, type TestRun } from './test-run.ts';

/*
 * The end of `.ci/run`: decides from the failures of its test runs whether a change may land, and prints that.
 *
 * 1. A broken invariant is red at once. Its test never runs again.
 * 2. A test that failed by a time limit alone runs again, alone, in a new process, on the same server and Node, with the same seed.
 * 3. A test that failed by another assertion must then pass twice in a row.
 * 4. The whole file runs again, because its tests may share a system. Whatever fails then is red.
 * 5. A test that passes again is unstable: it is named with its times and the load. More than MAX_UNSTABLE unstable tests are red.
 * 6. After more than MAX_REPEATED first failures, or when the time is over, no test runs again.
 * 7. A difference from `test/counts.json` is red: a test that did not run, and a skipped test that nobody wrote down.
 * 8. A test in `test/quarantine.txt` is named and not judged, until its date: afterwards the line is red. A broken invariant is always red.
 */

const MAX_REPEATED = 8;
const MAX_UNSTABLE = 3;
const MAX_QUARANTINED = 5;
/** A file takes at most eight minutes beside others. */
const REPEAT_WITHIN_MS = 600_000;

export type Verdict = { lines: readonly string[]; isGreen: boolean };
type Repeated = { passed: boolean; tookInMs: number; load: number };
/** Runs the file of a failure once more. */
export type Repeat = (failure: FirstFailure, env: TestRun['env']) => Promise<Repeated>;
type Limits = {
  /** How many runs were started: one that left no line has crashed. */
  expectedRuns: number;
  /** Whether there is time for one more run of a file. */
  hasTime: () => boolean;
  repeat: Repeat;
  counts: TestCounts;
  quarantine?: Quarantine;
};
/** The text of `test/quarantine.txt`, and the present day, as `2026-12-31`. */
type Quarantine = { text: string; today: string };

/** Judges the runs. The last line says how many tests passed and failed. Keeps 1 to 8. */
export async function judgeRuns(
  runs: readonly TestRun[],
  { expectedRuns, hasTime, repeat, counts, quarantine = { text: '', today: '' } }: Limits,
): Promise<Verdict> {
  const { quarantined, problems } = readQuarantine(quarantine);
  const first = runs.flatMap(({ failures, env }) => failures.map((failure) => ({ failure, env })));
  const isExcused = (failure: FirstFailure): boolean => failure.kind !== 'invariant' && quarantined.includes(nameOf(failure));
  const excused = first.filter(({ failure }) => isExcused(failure));
  const judged = first.filter(({ failure }) => !isExcused(failure));
  const isRepeatable = judged.length <= MAX_REPEATED;
  const red: FirstFailure[] = [];
  const unstable: string[][] = [];
  const outcomes = new Map<string, Promise<Repeated[]>>();
  for (const { failure, env } of judged) {
    if (!isRepeatable || failure.kind === 'invariant' || failure.file === undefined) {
      red.push(failure);
      continue;
    }
    // Failures of one file and one server share their runs.
    const key = JSON.stringify([failure.file, env, failure.kind]);
    const outcome = outcomes.get(key) ?? repeatUntilJudged(failure, env, { hasTime, repeat });
    outcomes.set(key, outcome);
    const repeated = await outcome;
    if (repeated.length === 0 || repeated.some(({ passed }) => !passed)) red.push(failure);
    else unstable.push([`unstable: ${nameOf(failure)}`, ...inWords(failure, repeated, env)]);
  }
  const crashed = Math.max(0, expectedRuns - runs.length);
  const others = [
    ...problems,
    ...(unstable.length > MAX_UNSTABLE ? [`${unstable.length} tests are unstable, and at most ${MAX_UNSTABLE} may be`] : []),
    ...(crashed > 0 ? [`${crashed} of ${expectedRuns} runs ended without a count`] : []),
    // A run that crashed has left out its files.
    ...(crashed > 0 ? [] : differencesFrom(counts, runs).map((difference) => `test/counts.json: ${difference}`)),
  ];
  const failed = red.length + others.length;
  const passed = runs.reduce((sum, run) => sum + run.passed, 0) + unstable.length;
  const skipped = runs.reduce((sum, run) => sum + run.skipped.length, 0);
  const lines = [
    ...runs.flatMap(whatRan),
    ...excused.map(({ failure }) => `quarantined, and failed: ${nameOf(failure)}`),
    ...unstable.flat(),
    ...others.map((what) => `failed: ${what}`),
    ...linesOf(red),
    `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  ];
  return { lines, isGreen: failed === 0 };
}

/** The names of the quarantined tests, and what is wrong with the file: too many lines, a line that cannot be read, a date that has passed. */
function readQuarantine({ text, today }: Quarantine): { quarantined: string[]; problems: string[] } {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const problems = lines.length > MAX_QUARANTINED ? [`test/quarantine.txt has ${lines.length} lines, and at most ${MAX_QUARANTINED}`] : [];
  const quarantined = lines.flatMap((line) => {
    const [, until, name, reason] = /^(\d{4}-\d\d-\d\d) (test\/\S+: .+) -- (\S.*)$/.exec(line) ?? [];
    if (until === undefined || name === undefined || reason === undefined)
      problems.push(`test/quarantine.txt has a line without its form: ${line}`);
    else if (until < today) problems.push(`test/quarantine.txt: the date of ${name} has passed`);
    return name ?? [];
  });
  return { quarantined, problems };
}

/** The number of tests of each kind that ran in a run of vitest, and the names of the skipped ones. */
function whatRan({ ran, skipped }: TestRun): string[] {
  if (Object.keys(ran).length === 0) return [];
  const counts = Object.entries(ran).map(([kind, count]) => `${kind} ${count}`);
  return [`ran: ${counts.join(', ')}`, ...skipped.map((name) => `skipped: ${name}`)];
}

async function repeatUntilJudged(
  failure: FirstFailure,
  env: TestRun['env'],
  { hasTime, repeat }: Pick<Limits, 'hasTime' | 'repeat'>,
): Promise<Repeated[]> {
  const wanted = failure.kind === 'limit' ? 1 : 2;
  const repeated: Repeated[] = [];
  while (repeated.length < wanted && repeated.every(({ passed }) => passed)) {
    if (!hasTime()) return [];
    repeated.push(await repeat(failure, env));
  }
  return repeated;
}

function inWords({ reason, tookInMs, load }: FirstFailure, repeated: readonly Repeated[], env: TestRun['env']): string[] {
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const again = repeated.map((one) => `its file passed alone after ${seconds(one.tookInMs)} at load ${one.load.toFixed(1)}`);
  const facts = [`failed after ${seconds(tookInMs)} at load ${load.toFixed(1)}`, ...again, `seed ${env.SEQUENT_SEED || 'none'}`];
  return [facts.join('; '), ...reason.slice(0, 3)].map((line) => `  ${line}`);
}

/** Runs `command --project <kind> <file>`, and reports whether it ended with 0. */
function repeatBy([program = '', ...args]: readonly string[]): Repeat {
  return ({ file = '', project = '' }, env) => {
    const startedAt = performance.now();
    const folder = mkdtempSync(join(tmpdir(), 'sequent-repeat-'));
    const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
    const child = spawn(program, [...args, ...(project === '' ? [] : ['--project', project]), file], {
      env: { ...process.env, ...set, SEQUENT_TEST_RUNS: join(folder, 'runs') },
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: REPEAT_WITHIN_MS,
      killSignal: 'SIGKILL',
    });
    return new Promise((resolve) => {
      const end = (passed: boolean): void => {
        rmSync(folder, { recursive: true, force: true });
        resolve({ passed, tookInMs: performance.now() - startedAt, load: loadavg()[0] ?? 0 });
      };
      child.once('error', () => end(false));
      child.once('close', (code) => end(code === 0));
    });
  };
}

// As a program: verdict.ts FOLDER FILE RUNS SECONDS COMMAND…, where FOLDER has counts.json and quarantine.txt, and no test runs again after SECONDS.
const [, script, folder = '', file, count, seconds, ...command] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  const runs = readFileSync(file ?? '', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TestRun);
  const hasTime = (): boolean => performance.now() < Number(seconds) * 1_000;
  const { lines, isGreen } = await judgeRuns(runs, {
    ...{ expectedRuns: Number(count), hasTime, repeat: repeatBy(command), counts: readTestCounts(join(folder, 'counts.json')) },
    quarantine: { text: readFileSync(join(folder, 'quarantine.txt'), 'utf8'), today: new Date().toISOString().slice(0, 10) },
  });
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = isGreen ? 0 : 1;
}
