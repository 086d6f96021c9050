import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { CountReporter } from './test/support/reporter.ts';
import { LongestFirst } from './test/support/sequencer.ts';

/** Unit tests that take seconds each, because they fold many generated logs. The project `unit` stays under 20 s without them. */
const slow = ['test/unit/analysis/verify.test.ts', 'test/unit/projection/as-of.test.ts', 'test/unit/projection/list.test.ts'];

/** End-to-end tests that measure time: they have the machine for themselves. */
const timed = [
  'test/e2e/{fresh-clone,recovery}.test.ts',
  'test/e2e/cli/serve.test.ts',
  'test/e2e/destinations/{dead-targets,isolation}.test.ts',
  'test/e2e/web/{large,reconnect}.test.ts',
];

const pages = 'test/e2e/web/*.test.ts';

const builtModules = 'test/support/cli/built-modules.ts';

/** Files of pure code share a process for each processor. */
const pure = { sequence: { groupOrder: 0 }, maxWorkers: availableParallelism(), isolate: false };

/**
 * The groups run one after another, so few groups leave few idle processors. Files of these projects start servers of their own, on any
 * free port, and wait for them for half of the time: four at a time keep two processors busy.
 */
const parallel = { sequence: { groupOrder: 1 }, maxWorkers: 4 };

/** The time limits stop only a test that hangs: a loaded machine is ten times slower than a quiet one. */
const shared = {
  setupFiles: ['test/support/silence.ts'],
  // By default `expect.poll` waits for one second, which a loaded machine exceeds.
  expect: { poll: { timeout: 15_000 } },
};

export default defineConfig({
  test: {
    reporters: ['default', new CountReporter()],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: slow,
          testTimeout: 60_000,
          ...pure,
        },
      },
      {
        test: {
          ...shared,
          name: 'unit-slow',
          include: [...slow, 'test/simulate/*.test.ts'],
          testTimeout: 60_000,
          ...pure,
        },
      },
      {
        test: {
          ...shared,
          ...parallel,
          name: 'integration',
          // The files share processes, which load the modules of the product once. Each file leaves its process as it was.
          isolate: false,
          include: ['test/integration/**/*.test.ts'],
          globalSetup: [builtModules, 'test/support/nats/shared-nats-server.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          ...parallel,
          name: 'e2e',
          globalSetup: builtModules,
          include: ['test/e2e/**/*.test.ts'],
          exclude: [...timed, pages],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          ...parallel,
          name: 'pages',
          globalSetup: builtModules,
          include: [pages],
          exclude: timed,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e-timed',
          globalSetup: builtModules,
          sequence: { groupOrder: 2 },
          include: timed,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'cluster',
          globalSetup: builtModules,
          // Ten processes and three servers, and the time without an acknowledgement is measured.
          sequence: { groupOrder: 3 },
          include: ['test/cluster/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          ...parallel,
          name: 'package',
          // npm packs and installs the package, which takes most of the time.
          include: ['test/package/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...shared,
          ...parallel,
          name: 'conformance',
          globalSetup: builtModules,
          // The vendor's SDK calls a real gateway. Each file starts a gateway of its own.
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
