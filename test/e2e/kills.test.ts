import { expectSurvival } from '#test/support/e2e/kill-storm.ts';
import { test } from '#test/support/fixtures.ts';
import { seedOfRun } from '#test/support/seeded-random.ts';

/** The same with more of both, and all other faults, are in `test/faults`. */
test('1,000 invocations survive 4 SIGKILLs of roles and nats-server', { timeout: 240_000 }, async ({ server, folder }) => {
  await expectSurvival({ invocations: 1_000, kills: 4, seed: seedOfRun() }, { server, folder });
});
