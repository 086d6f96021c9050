import { defineConfig } from 'vitest/config';
import { CountReporter } from './test/support/reporter.ts';

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

/** The time limits stop only a test that hangs: a loaded machine is ten times slower than a quiet one. */
const shared = {
  setupFiles: ['test/support/silence.ts'],
  // By default `expect.poll` waits for one second, which a loaded machine exceeds.
  expect: { poll: { timeout: 15_000 } },
};

export default defineConfig({
  test: {
    reporters: ['default', new CountReporter()],
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          isolate: false,
          include: ['test/unit/**/*.test.ts'],
          exclude: slow,
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'unit-slow',
          isolate: false,
          include: [...slow, 'test/simulate/*.test.ts'],
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'integration',
          sequence: { groupOrder: 1 },
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/nats/shared-nats-server.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e',
          sequence: { groupOrder: 2 },
          include: ['test/e2e/**/*.test.ts'],
          exclude: [...timed, pages],
          // Each file starts servers of its own, on any free port, and waits for them most of the time.
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'pages',
          sequence: { groupOrder: 3 },
          include: [pages],
          exclude: timed,
          maxWorkers: 3,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e-timed',
          sequence: { groupOrder: 4 },
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
          // Ten processes and three servers, and the time without an acknowledgement is measured.
          sequence: { groupOrder: 6 },
          include: ['test/cluster/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 400_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'package',
          // npm packs and installs the package, which takes most of the time.
          sequence: { groupOrder: 5 },
          include: ['test/package/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'conformance',
          // The vendor's SDK calls a real gateway. Each file starts a gateway of its own.
          sequence: { groupOrder: 5 },
          include: ['test/conformance/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
