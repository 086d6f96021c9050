import { appendFileSync, writeSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** CI keeps the last hundred lines of two runs. */
const MAX_REASON_LINES = 40;
const MAX_LINES_PER_REASON = 12;
const MAX_LINES_OF_COMMAND = 4;
const MAX_LINE_LENGTH = 240;

declare module '@vitest/runner' {
  interface TaskMeta {
    /** The words of the last command that a test ran, and its stderr, unless it ended with 0. */
    stderrOfLastCommand?: string | undefined;
  }
}

type Failure = { title: string; errors: readonly SerializedError[]; stderrOfLastCommand?: string | undefined };

/**
 * Prints `N passed, N failed` as the last line of the run, after one line for each failure with the beginning of its error: on exit,
 * after vitest's summary and after late output.
 *
 * When `SEQUENT_TEST_COUNTS` names a file, the lines are appended to that file instead: `.ci/run` prints them for several runs.
 */
export class CountReporter implements Reporter {
  #lines: string | undefined;

  constructor() {
    process.once('exit', () => {
      if (this.#lines === undefined) return;
      const file = process.env.SEQUENT_TEST_COUNTS;
      if (file) appendFileSync(file, this.#lines);
      else writeSync(1, this.#lines);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const count = { passed: 0, skipped: 0, pending: 0 };
    const failures = unhandledErrors.map((error): Failure => ({ title: 'an unhandled error outside of every test', errors: [error] }));
    for (const module of modules) {
      // A file that cannot be loaded, or a hook that throws outside of every test, fails without a failed test.
      const file = module.relativeModuleId;
      for (const error of module.errors()) failures.push({ title: `${file}: the file`, errors: [error] });
      for (const suite of module.children.allSuites())
        for (const error of suite.errors()) failures.push({ title: `${file}: ${suite.fullName}`, errors: [error] });
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'failed') failures.push({ title: `${file}: ${test.fullName}`, errors, ...test.meta() });
        else count[state]++;
      }
    }
    const skipped = count.skipped + count.pending;
    const counts = `${count.passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    this.#lines = [...linesOf(failures), counts, ''].join('\n');
  }
}

function linesOf(failures: readonly Failure[]): string[] {
  let left = MAX_REASON_LINES;
  return failures.flatMap(({ title, errors: [error], stderrOfLastCommand }) => {
    const whole = error === undefined ? [] : reasonOf(error);
    if (stderrOfLastCommand !== undefined) whole.push(...linesOfText(`stderr of ${stderrOfLastCommand}`).slice(0, MAX_LINES_OF_COMMAND));
    const reason = whole.length > left ? [] : whole;
    left -= reason.length;
    return [`failed: ${title}`, ...reason.map((line) => `  ${line.slice(0, MAX_LINE_LENGTH)}`)];
  });
}

/** The beginning of the message and of the difference, and the first frame in the repository. */
function reasonOf({ name, message, diff, stacks = [] }: SerializedError): string[] {
  const lines = linesOfText([`${name}: ${message}`, diff ?? ''].join('\n'));
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
