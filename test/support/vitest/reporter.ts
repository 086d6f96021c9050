import { appendFileSync, writeSync } from 'node:fs';
import { loadavg } from 'node:os';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';
import { type FirstFailure, INVARIANT, type KindOfFailure, linesOf, type TestRun, testsOf } from './test-run.ts';

const MAX_LINES_PER_REASON = 12;
const MAX_LINES_OF_COMMAND = 4;
/** Tests without real time or processes: an assertion of theirs fails for no other load of the machine. */
const PURE_KINDS: readonly string[] = ['unit', 'unit-slow'];

declare module '@vitest/runner' {
  interface TaskMeta {
    /** The words of the last command that a test ran, and its stderr, unless it ended with 0. */
    stderrOfLastCommand?: string | undefined;
  }
}

/**
 * Prints `N passed, N failed` as the last line of the run, after one line for each failure with the beginning of its error: on exit,
 * after vitest's summary and after late output.
 *
 * When `SEQUENT_TEST_RUNS` names a file, the run is appended to that file as a line of JSON instead: `.ci/run` judges several runs.
 */
export class CountReporter implements Reporter {
  #run: TestRun | undefined;
  readonly #loads = new Map<string, number>();

  constructor() {
    process.once('exit', () => {
      if (this.#run === undefined) return;
      const file = process.env.SEQUENT_TEST_RUNS;
      if (file) appendFileSync(file, `${JSON.stringify(this.#run)}\n`);
      else writeSync(1, inWords(this.#run));
    });
  }

  onTestCaseResult(test: TestCase): void {
    if (test.result().state === 'failed') this.#loads.set(test.id, loadavg()[0] ?? 0);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const failures = unhandledErrors.map((error) => failureOf({ title: 'an unhandled error outside of every test', errors: [error] }));
    const ran: Record<string, number> = {};
    const skipped: string[] = [];
    let passed = 0;
    for (const module of modules) {
      const place = { file: module.relativeModuleId, project: module.project.name };
      failures.push(...failuresOutsideOfTests(module));
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'skipped' || state === 'pending') {
          skipped.push(`${place.file}: ${test.fullName}`);
          continue;
        }
        ran[place.project] = (ran[place.project] ?? 0) + 1;
        if (state === 'passed') passed++;
        else failures.push(this.#failureOf(test, place));
      }
    }
    const { NATS_SERVER_BIN = '', NATS_SERVER_CONFIG = '', PATH = '', SEQUENT_SEED = '' } = process.env;
    const registered = Object.fromEntries(modules.map(testsOf));
    this.#run = { passed, ran, registered, skipped, failures, env: { NATS_SERVER_BIN, NATS_SERVER_CONFIG, PATH, SEQUENT_SEED } };
  }

  #failureOf(test: TestCase, place: Pick<Failed, 'file' | 'project'>): FirstFailure {
    const { errors = [] } = test.result();
    return failureOf({
      ...place,
      ...{ title: test.fullName, errors, tookInMs: test.diagnostic()?.duration, load: this.#loads.get(test.id) },
      ...test.meta(),
    });
  }
}

/** A file that cannot be loaded, or a hook that throws outside of every test, fails without a failed test. */
function failuresOutsideOfTests(module: TestModule): FirstFailure[] {
  const place = { file: module.relativeModuleId, project: module.project.name };
  const ofFile = module.errors().map((error) => failureOf({ ...place, title: 'the file', errors: [error] }));
  const ofSuites = [...module.children.allSuites()].flatMap((suite) =>
    suite.errors().map((error) => failureOf({ ...place, title: suite.fullName, errors: [error] })),
  );
  return [...ofFile, ...ofSuites];
}

function inWords({ passed, skipped, failures, env }: TestRun): string {
  const counts = `${passed} passed, ${failures.length} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;
  const seed = failures.length > 0 && env.SEQUENT_SEED !== '' ? [`seed ${env.SEQUENT_SEED}: SEQUENT_SEED repeats its choices`] : [];
  return [...linesOf(failures), ...seed, counts, ''].join('\n');
}

type Failed = Partial<Pick<FirstFailure, 'file' | 'project'>> & {
  title: string;
  errors: readonly SerializedError[];
  tookInMs?: number | undefined;
  load?: number | undefined;
  stderrOfLastCommand?: string | undefined;
};

function failureOf({ file, project, title, errors, stderrOfLastCommand, tookInMs = 0, load = loadavg()[0] ?? 0 }: Failed): FirstFailure {
  const [error] = errors;
  const reason = error === undefined ? [] : reasonOf(error);
  if (stderrOfLastCommand !== undefined) reason.push(...linesOfText(`stderr of ${stderrOfLastCommand}`).slice(0, MAX_LINES_OF_COMMAND));
  return { file, project, title, kind: kindOf(project, errors), reason, tookInMs: Math.round(tookInMs), load: Number(load.toFixed(1)) };
}

/** The words in which vitest and the helpers of tests say that a time has passed. */
const LIMIT = /\btimed out\b|Matcher did not succeed in time|\bnot true within\b|\bdid not come within\b|\bno new fact for\b/i;

function kindOf(project: string | undefined, errors: readonly SerializedError[]): KindOfFailure {
  const texts = errors.map(({ message, cause }) => `${message}\n${(cause as SerializedError | undefined)?.message ?? ''}`);
  // Without a file, no test can run again.
  if (project === undefined || PURE_KINDS.includes(project) || texts.some((text) => text.includes(INVARIANT))) return 'invariant';
  return texts.length > 0 && texts.every((text) => LIMIT.test(text)) ? 'limit' : 'assertion';
}

/** The beginning of the message, of its cause and of the difference, and the first frame in the repository. */
function reasonOf({ name, message, cause, diff, stacks = [] }: SerializedError): string[] {
  const because = (cause as SerializedError | undefined)?.message;
  const lines = linesOfText([`${name}: ${message}`, because === undefined ? '' : `because: ${because}`, diff ?? ''].join('\n'));
  const root = `${process.cwd()}/`;
  const frame = stacks.find(({ file }) => file.startsWith(root) && !file.includes('/node_modules/'));
  const at = frame === undefined ? [] : [`at ${relative(root, frame.file)}:${frame.line}`];
  return [...lines.slice(0, MAX_LINES_PER_REASON - at.length), ...at];
}

function linesOfText(text: string): string[] {
  return stripVTControlCharacters(text)
    .split('\n')
    .filter((line) => line.trim() !== '');
}
