import { appendFileSync, writeSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Prints `N passed, N failed` as the last line of the run, after one line for each failure: on exit, after vitest's summary and
 * after late output.
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

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, skipped: 0, pending: 0 };
    const failures = unhandledErrors.map(() => 'an unhandled error outside of every test');
    for (const module of modules) {
      // A file that cannot be loaded, or a hook that throws outside of every test, fails without a failed test.
      const file = module.relativeModuleId;
      for (const _ of module.errors()) failures.push(`${file}: the file`);
      for (const suite of module.children.allSuites()) for (const _ of suite.errors()) failures.push(`${file}: ${suite.fullName}`);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'failed') failures.push(`${file}: ${test.fullName}`);
        else count[state]++;
      }
    }
    const skipped = count.skipped + count.pending;
    const counts = `${count.passed} passed, ${failures.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    this.#lines = [...failures.map((failure) => `failed: ${failure}`), counts, ''].join('\n');
  }
}
