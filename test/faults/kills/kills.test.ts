import { expectSurvival } from '#test/support/e2e/kill-storm.ts';
import { test } from '#test/support/fixtures.ts';

const invocations = Number(process.env.SEQUENT_CHAOS_INVOCATIONS ?? 6_000);
const kills = Number(process.env.SEQUENT_CHAOS_KILLS ?? 16);
const seed = Number(process.env.SEQUENT_CHAOS_SEED ?? Date.now() % 1_000_000);

test(`${invocations} invocations survive ${kills} SIGKILLs of roles and nats-server, seed ${seed}`, {
  timeout: 600_000,
}, async ({ server, folder }) => {
  await expectSurvival({ invocations, kills, seed }, { server, folder });
});
