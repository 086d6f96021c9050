import { expectSurvival } from '#test/support/e2e/kill-storm.ts';
import { test } from '#test/support/fixtures.ts';
import { seedOfRun } from '#test/support/seeded-random.ts';

const invocations = Number(process.env.SEQUENT_CHAOS_INVOCATIONS ?? 1_500);
const kills = Number(process.env.SEQUENT_CHAOS_KILLS ?? 16);

test(`${invocations} invocations survive ${kills} SIGKILLs of roles and nats-server`, { timeout: 600_000 }, async ({ server, folder }) => {
  await expectSurvival({ invocations, kills, seed: seedOfRun() }, { server, folder });
});
