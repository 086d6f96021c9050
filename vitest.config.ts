import { defineConfig } from 'vitest/config';
import { CountReporter } from './test/support/reporter.ts';

/** Unit tests that take seconds each: they compare with a model over many drawn logs. */
const slow = ['test/unit/analysis/verify.test.ts', 'test/unit/projection/as-of.test.ts', 'test/unit/projection/list.test.ts'];

const shared = { setupFiles: ['test/support/no-console.ts'] };

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
          include: slow,
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
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e',
          // By themselves, and one after the other: they kill processes and measure time.
          sequence: { groupOrder: 2 },
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: 'conformance',
          // The vendor's own SDK against a real gateway; each file starts one.
          sequence: { groupOrder: 3 },
          include: ['test/conformance/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
