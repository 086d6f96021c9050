import { createRequire } from 'node:module';
import { answerCommands, countOutcomes, createSeen, say } from './commands.mjs';

/*
 * graphile-worker 0.18, as `bench/compare.ts` runs it: `work` executes jobs, `load` inserts jobs in batches and receives the deletions of ended ones.
 *
 * Settings, from https://worker.graphile.org/docs/performance: `concurrentJobs: 24`, `maxPoolSize: 25`, a local queue, and completions in batches
 * without a delay. The local queue has 1,000 jobs instead of the 500 of that page, so that one fetch takes what one insert adds. `add_jobs` of 1,000
 * jobs, two under way. `VACUUM ANALYZE`: see `pg-boss.mjs`.
 */

const [mode, folder, connectionString] = process.argv.slice(2);
const packages = createRequire(`${folder}/package.json`);
const { Logger, run, runMigrations } = packages('graphile-worker');
const { Client, Pool } = packages('pg');
const logger = new Logger(() => (level, message) => (level === 'error' ? void process.stderr.write(`${message}\n`) : undefined));

await runMigrations({ connectionString, logger });
if (mode === 'work') await work();
else await load();

async function work() {
  const batches = { localQueue: { size: 1_000 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  const preset = { worker: { connectionString, concurrentJobs: 24, maxPoolSize: 25, ...batches } };
  await run({ preset, logger, taskList: { bench: async () => {} }, noHandleSignals: true });
  say('ready');
}

async function load() {
  const pool = new Pool({ connectionString, max: 2 });
  const observer = new Client({ connectionString });
  await observer.connect();
  const seen = createSeen();
  await countOutcomes(observer, seen, { tables: ['graphile_worker._private_jobs'], changed: 'DELETE' });
  await answerCommands({
    seen,
    batch: 1_000,
    underWay: 2,
    async send(events) {
      const jobs = events.map((payload) => ({ identifier: 'bench', payload }));
      await pool.query(
        'SELECT 1 FROM graphile_worker.add_jobs(array(SELECT json_populate_recordset(null::graphile_worker.job_spec, $1::json)))',
        [JSON.stringify(jobs)],
      );
    },
    settle: () => observer.query('VACUUM ANALYZE graphile_worker._private_jobs'),
  });
}
