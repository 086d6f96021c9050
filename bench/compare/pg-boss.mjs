import { createRequire } from 'node:module';
import { answerCommands, batchesOf, say, timed } from './commands.mjs';

/* pg-boss, as `bench/compare.ts` runs it: `work` executes jobs in batches, `load` inserts jobs and waits until all are completed. */

const [mode, folder, connectionString, count] = process.argv.slice(2);
const packages = createRequire(`${folder}/package.json`);
const PgBoss = packages('pg-boss');
const { Client } = packages('pg');
const BATCH = 1_000;
const QUEUE = 'bench';

const boss = new PgBoss({ connectionString, schedule: false, supervise: false });
boss.on('error', (error) => process.stderr.write(`${error.message}\n`));
await boss.start();
await boss.createQueue(QUEUE);
if (mode === 'work') await work();
else await load();

async function work() {
  say('ready');
  for (;;) {
    const jobs = (await boss.fetch(QUEUE, { batchSize: BATCH })) ?? [];
    // The notification of pg-boss is a poll; a short one is the wake-up that a user would build.
    if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    else
      await boss.complete(
        QUEUE,
        jobs.map(({ id }) => id),
      );
  }
}

async function load() {
  const observer = new Client({ connectionString });
  await observer.connect();
  const runBurst = async () => {
    for (const events of batchesOf(Number(count))) await boss.insert(events.map((data) => ({ name: QUEUE, data })));
    for (;;) {
      const { rows } = await observer.query("SELECT 1 FROM pgboss.job WHERE name = $1 AND state < 'completed' LIMIT 1", [QUEUE]);
      if (rows.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await answerCommands({
    async burst() {
      const seconds = await timed(runBurst);
      await observer.query("DELETE FROM pgboss.job WHERE state = 'completed'");
      return seconds;
    },
  });
}
