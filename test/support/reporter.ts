import { appendFileSync, writeSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Prints `N passed, N failed` as the last line of the run: on exit, after vitest's summary and after late output.
 *
 * When `SEQUENT_TEST_COUNTS` names a file, the line is appended to that file instead: `.ci/run` adds up several runs.
 */
export class CountReporter implements Reporter {
  #line: string | undefined;

  constructor() {
    process.once('exit', () => {
      if (this.#line === undefined) return;
      const file = process.env.SEQUENT_TEST_COUNTS;
      if (file) appendFileSync(file, `${this.#line}\n`);
      else writeSync(1, `${this.#line}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A file that cannot be loaded, or a hook that throws outside of every test, fails without a failed test.
      count.failed += module.errors().length;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
      for (const test of module.children.allTests()) count[test.result().state]++;
    }
    const skipped = count.skipped + count.pending;
    this.#line = `${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  }
}
