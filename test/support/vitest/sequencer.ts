import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take about a minute, the longest first. They start before the other files of their group: a long file that
 * starts last would run alone.
 */
const longest = [
  'test/package/consumers.test.ts',
  'test/package/fresh-clone.test.ts',
  'test/matrix/foreign-project.test.ts',
  'test/matrix/doctor-situations.test.ts',
  'test/integration/projection/repair.test.ts',
  'test/integration/processes/entry-points.test.ts',
  'test/integration/archive/horizon.test.ts',
  'test/integration/archive/stores.test.ts',
  'test/e2e/cli/completion.test.ts',
  'test/matrix/named-changes.test.ts',
  'test/e2e/fresh-start.test.ts',
  'test/e2e/archive.test.ts',
  'test/matrix/chinese.test.ts',
  'test/integration/archive/janitor.test.ts',
  'test/e2e/pages/worked-example.test.ts',
  'test/faults/kills/kills.test.ts',
  'test/faults/kills/delivery-kills.test.ts',
  'test/faults/kills/projection-kills.test.ts',
  'test/faults/kills/worker-kills.test.ts',
  'test/faults/storm-command.test.ts',
  'test/faults/supervision.test.ts',
  'test/pages/site/site.test.ts',
  'test/pages/hostile.test.ts',
  'test/faults/power-cut.test.ts',
  'test/pages/list-actions.test.ts',
  'test/pages/every-page.test.ts',
  'test/pages/system.test.ts',
  'test/faults/stop-without-nats.test.ts',
  'test/matrix/runtimes/custom-process-host.test.ts',
  'test/matrix/runtimes/python-process-host.test.ts',
  'test/matrix/runtimes/executable-process-host.test.ts',
];

/** Vitest's order, with the longest files first. Vitest runs the groups one after another, whatever the order of their files. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    for (const file of longest)
      if (!existsSync(join(root, file))) throw new Error(`${file} of test/support/vitest/sequencer.ts does not exist`);
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const rank = longest.indexOf(relative(root, moduleId));
      return rank === -1 ? longest.length : rank;
    };
    return (await super.sort(files)).sort((one, other) => rankOf(one) - rankOf(other));
  }
}
