import { resolve } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { findOnPath } from './src/main/find-on-path.mjs';
import { CountReporter } from './test/support/vitest/reporter.ts';
import { LongestFirst } from './test/support/vitest/sequencer.ts';
import { type Tier, tiers } from './test/support/vitest/tiers.ts';

/** Without the browser, the tests of the pages are counted as skipped. */
const runner = findOnPath('chromium-headless-shell') === undefined ? { runner: 'test/support/web/without-browser.ts' } : {};

/** The kinds with tests that choose their cases by fast-check. */
const hasProperties = (name: string): boolean => ['unit', 'unit-slow', 'matrix'].includes(name);

function projectOf({ groupOrder, isDefault: _, ...facts }: Tier): TestProjectInlineConfiguration {
  const test = {
    setupFiles: ['test/support/vitest/silence.ts', ...(hasProperties(facts.name) ? ['test/support/vitest/seeded-properties.ts'] : [])],
    // By default `expect.poll` waits for one second, which a loaded machine exceeds.
    expect: { poll: { timeout: 15_000 } },
    sequence: { groupOrder },
    // Roles that run in a test start their processes from the modules that the run built.
    alias: { '#src/main/roles/own-module.ts': resolve('test/support/vitest/built-own-module.ts') },
    ...runner,
    ...facts,
  };
  return { test };
}

// The processes of the tests inherit it (`test/support/seeded-random.ts`).
process.env.SEQUENT_SEED ??= String(Date.now() % 1_000_000);

/** A person who names a kind or a file means that, whether it is a default one or not. */
const isChosen = process.argv.some((argument) => /^(?:--project\b|(?:\.\/)?test\/)/.test(argument));

export default defineConfig({
  test: {
    // The projects, and the next run, take a module that is already transformed from a cache below `node_modules`.
    experimental: { fsModuleCache: true },
    reporters: ['default', new CountReporter()],
    sequence: { sequencer: LongestFirst },
    projects: tiers.filter(({ isDefault }) => isDefault || isChosen).map(projectOf),
  },
});
