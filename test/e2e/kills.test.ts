import { expectSurvival } from '#test/support/e2e/kill-storm.ts';
import { test } from '#test/support/fixtures.ts';

const seed = Number(process.env.SEQUENT_CHAOS_SEED ?? Date.now() % 1_000_000);

/** The same with more of both, and all other faults, are in `test/faults`. */
test(`2,000 invocations survive 4 SIGKILLs of roles and nats-server, seed ${seed}`, { timeout: 240_000 }, async ({ server, folder }) => {
  await expectSurvival({ invocations: 2_000, kills: 4, seed }, { server, folder });
});
