import { type RunnerTestFile, TestRunner } from 'vitest';

const NO_TEST = /(?!)/;

/**
 * Runs the tests of a machine without the browser: those below a folder `pages` are skipped, with their hooks, and counted as skipped.
 * `npm test` names the command that installs the browser.
 */
export default class WithoutBrowser extends TestRunner {
  readonly #pattern = this.config.testNamePattern;

  override onCollectStart(file: RunnerTestFile): void {
    this.config.testNamePattern = file.filepath.includes('/pages/') ? NO_TEST : this.#pattern;
    super.onCollectStart(file);
  }
}
