import { availableParallelism } from 'node:os';

/*
 * The kinds of tests, each a project of vitest with the tests below its folders. A test belongs to the kind of its folder, so nobody adds
 * a test to a list.
 *
 * `npm test` runs the default ones. The others run by name, all of them in `.ci/run`.
 */

/** Files of pure code share a process for each processor. */
const pure = { groupOrder: 0, maxWorkers: availableParallelism(), isolate: false };

/**
 * The groups run one after another, so few groups leave few idle processors. Files of these projects start servers of their own, on any
 * free port, and wait for them for most of the time: five at a time keep two processors busy, and six make answers slower.
 */
const parallel = { groupOrder: 1, maxWorkers: 5 };

/**
 * Files that keep both processors busy by themselves, or whose claims hold within a time: kills, power cuts, packs, hundreds of processes of
 * functions. Two at a time leave each of them a processor.
 */
const heavy = { groupOrder: 2, maxWorkers: 2 };

/** Unit tests that take seconds each, because they fold many generated logs, or simulate many canaries. The project `unit` stays under 20 s without them. */
const slowUnitTests = [
  'test/unit/analysis/verify.test.ts',
  'test/unit/build/client-reference.test.ts',
  'test/unit/gateway/auto-canaries.test.ts',
  'test/unit/projection/as-of.test.ts',
  'test/unit/projection/list.test.ts',
];

const builtModules = 'test/support/cli/processes/built-modules.ts';

export type Tier = {
  name: string;
  /** Whether `npm test` runs it. */
  isDefault: boolean;
  include: string[];
  exclude?: string[];
  /** Tiers of one order run side by side, the lowest order first. */
  groupOrder: number;
  /** How many files run at one time. */
  maxWorkers: number;
  /** `false`: the files share processes, which load the modules of the product once. Each file leaves its process as it was. */
  isolate?: boolean;
  globalSetup?: string[];
  /** The time limits stop only a test that hangs: a loaded machine is ten times slower than a quiet one. */
  testTimeout: number;
  hookTimeout: number;
};

export const tiers: readonly Tier[] = [
  {
    name: 'unit',
    isDefault: true,
    include: ['test/unit/**/*.test.ts'],
    exclude: slowUnitTests,
    ...pure,
    testTimeout: 60_000,
    hookTimeout: 10_000,
  },
  {
    name: 'unit-slow',
    isDefault: true,
    include: [...slowUnitTests, 'test/simulate/*.test.ts'],
    ...pure,
    testTimeout: 60_000,
    hookTimeout: 10_000,
  },
  {
    name: 'integration',
    isDefault: true,
    include: ['test/integration/**/*.test.ts'],
    ...parallel,
    isolate: false,
    globalSetup: [builtModules, 'test/support/nats/shared-nats-server.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
  {
    name: 'e2e',
    isDefault: true,
    include: ['test/e2e/**/*.test.ts'],
    ...parallel,
    isolate: false,
    globalSetup: [builtModules],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
  {
    // The vendor's SDK calls a real gateway. Each file starts a gateway of its own.
    name: 'conformance',
    isDefault: true,
    include: ['test/conformance/**/*.test.ts'],
    ...parallel,
    isolate: false,
    globalSetup: [builtModules],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
  {
    // A table of all cases: each route of the gateway, situation of the doctor, command and form of a flow.
    name: 'matrix',
    isDefault: false,
    include: ['test/matrix/**/*.test.ts'],
    exclude: ['test/matrix/runtimes/*.test.ts'],
    ...parallel,
    globalSetup: [builtModules],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
  {
    // The suites of the host, with the functions of each runtime.
    name: 'runtimes',
    isDefault: false,
    include: ['test/matrix/runtimes/*.test.ts'],
    ...heavy,
    globalSetup: [builtModules],
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
  {
    // Kills, power cuts, wrong clocks, full disks, a rolling upgrade.
    name: 'faults',
    isDefault: false,
    include: ['test/faults/**/*.test.ts'],
    ...heavy,
    isolate: false,
    globalSetup: [builtModules],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
  {
    name: 'pages',
    isDefault: false,
    include: ['test/pages/**/*.test.ts'],
    ...parallel,
    isolate: false,
    globalSetup: [builtModules],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
  {
    // npm packs and installs the package, which takes most of the time.
    name: 'package',
    isDefault: false,
    include: ['test/package/**/*.test.ts'],
    ...heavy,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
  {
    // These tests measure time, so they have the machine for themselves.
    name: 'timed',
    isDefault: false,
    include: ['test/timed/**/*.test.ts'],
    groupOrder: 3,
    maxWorkers: 1,
    globalSetup: [builtModules],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
  {
    // Ten processes and three servers, and the time without an acknowledgement is measured.
    name: 'cluster',
    isDefault: false,
    include: ['test/cluster/**/*.test.ts'],
    groupOrder: 4,
    maxWorkers: 1,
    globalSetup: [builtModules],
    testTimeout: 900_000,
    hookTimeout: 60_000,
  },
];
