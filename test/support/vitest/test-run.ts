import type { TestModule } from 'vitest/node';

/** CI keeps the last hundred lines of its runs. */
const MAX_REASON_LINES = 40;
const MAX_LINE_LENGTH = 240;

/**
 * The message of an assertion about a promise of the product: `expect(await judgeServer(…), INVARIANT).toEqual([])`. A failure of such an
 * assertion is red at once.
 */
export const INVARIANT = 'broken invariant';

/** `limit`: nothing but a time has passed. `invariant`: a promise of the product is broken, so the test does not run again. */
export type KindOfFailure = 'invariant' | 'limit' | 'assertion';

/** A test that failed in its first run. Without `file`, the error belongs to no file. `load`: of the machine, at its end. */
export type FirstFailure = {
  file: string | undefined;
  project: string | undefined;
  title: string;
  kind: KindOfFailure;
  reason: readonly string[];
  tookInMs: number;
  load: number;
};

/**
 * One run of vitest, or one other check. `ran`: how many tests of each kind ran. `registered`: how many tests each file has. `skipped`: the
 * names of those that did not run. `env`: what a test needs to run again on the same server and the same Node.
 */
export type TestRun = {
  passed: number;
  ran: Readonly<Record<string, number>>;
  registered: Readonly<Record<string, number>>;
  skipped: readonly string[];
  failures: readonly FirstFailure[];
  env: Readonly<Record<string, string>>;
};

/** The path of a file, and how many tests it registers. */
export function testsOf(module: TestModule): [string, number] {
  return [module.relativeModuleId, [...module.children.allTests()].length];
}

/** One line for each failure, with the beginning of its error below it while there is room. */
export function linesOf(failures: readonly FirstFailure[]): string[] {
  let left = MAX_REASON_LINES;
  return failures.flatMap((failure) => {
    const reason = failure.reason.length > left ? [] : failure.reason;
    left -= reason.length;
    return [`failed: ${nameOf(failure)}`, ...reason.map((line) => `  ${line.slice(0, MAX_LINE_LENGTH)}`)];
  });
}

export function nameOf({ file, title }: FirstFailure): string {
  return file === undefined ? title : `${file}: ${title}`;
}
