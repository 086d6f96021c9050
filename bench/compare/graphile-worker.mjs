import { createRequire } from 'node:module';
import { answerCommands, batchesOf, say, timed } from './commands.mjs';

/* graphile-worker, as `bench/compare.ts` runs it: `work` executes jobs, `load` inserts jobs and waits until none is left. */

const [mode, folder, connectionString, count] = process.argv.slice(2);
const packages = createRequire(`${folder}/package.json`);
const { Logger, run, runMigrations } = packages('graphile-worker');
const { Client } = packages('pg');
const logger = new Logger(() => (level, message) => (level === 'error' ? void process.stderr.write(`${message}\n`) : undefined));

await runMigrations({ connectionString, logger });
if (mode === 'work') await work();
else await load();

async function work() {
  const preset = {
    worker: { connectionString, concurrentJobs: 48, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
  };
  await run({ preset, logger, taskList: { bench: async () => {} }, noHandleSignals: true });
  say('ready');
}

async function load() {
  const client = new Client({ connectionString });
  await client.connect();
  const runBurst = async () => {
    for (const events of batchesOf(Number(count))) {
      const jobs = events.map((payload) => ({ identifier: 'bench', payload }));
      await client.query(
        'SELECT 1 FROM graphile_worker.add_jobs(array(SELECT json_populate_recordset(null::graphile_worker.job_spec, $1::json)))',
        [JSON.stringify(jobs)],
      );
    }
    for (;;) {
      const { rows } = await client.query('SELECT 1 FROM graphile_worker.jobs LIMIT 1');
      if (rows.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  await answerCommands({ burst: () => timed(runBurst) });
}
