import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { answerCommands, countOutcomes, createSeen, say } from './commands.mjs';

/*
 * pg-boss 12, as `bench/compare.ts` runs it: `work` executes jobs in batches, `load` inserts jobs in batches and receives the completed ones.
 *
 * Settings, from https://pgboss.io/api/workers, https://pgboss.io/api/constructor and https://pgboss.io/api/queues:
 * - `localConcurrency: 2` with `batchSize: 1000`: one worker fetches while the other completes.
 * - `burstWhenBatchFull`: a worker whose batch was full fetches at once.
 * - `notify` of the queue with `useListenNotify`: an insert wakes the workers, which otherwise poll every half second.
 * - `insert` of 1,000 jobs, two under way; `supervise` and `schedule` off, because one process of a deployment does both.
 * - `VACUUM ANALYZE` of the table of jobs soon after the start of a load, as autovacuum does within a minute. Without it, the plans are those for the
 *   table that autovacuum saw last, often an empty one.
 */

const [mode, folder, connectionString] = process.argv.slice(2);
const packages = createRequire(`${folder}/package.json`);
const { PgBoss } = await import(pathToFileURL(packages.resolve('pg-boss')));
const { Client } = packages('pg');
const BATCH = 1_000;
const QUEUE = 'bench';

const boss = new PgBoss({ connectionString, schedule: false, supervise: false, useListenNotify: mode === 'work', max: 10 });
boss.on('error', (error) => process.stderr.write(`${error.message}\n`));
await boss.start();
await boss.createQueue(QUEUE, { notify: true });
if (mode === 'work') await work();
else await load();

async function work() {
  await boss.work(QUEUE, { batchSize: BATCH, localConcurrency: 2, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 }, async () => {});
  say('ready');
}

async function load() {
  const observer = new Client({ connectionString });
  await observer.connect();
  const seen = createSeen();
  // The statements name the partition or its parent, and a trigger of one does not run for a statement that names the other.
  const tables = ['pgboss.job', 'pgboss.job_common'];
  await countOutcomes(observer, seen, { tables, changed: 'UPDATE', condition: "state = 'completed'" });
  await answerCommands({
    seen,
    batch: BATCH,
    underWay: 2,
    send: (events) =>
      boss.insert(
        QUEUE,
        events.map((data) => ({ data })),
      ),
    ask: () => boss.getQueueStats(QUEUE),
    settle: () => observer.query('VACUUM ANALYZE pgboss.job_common'),
  });
}
