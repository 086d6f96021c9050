import { createRequire } from 'node:module';

/* graphile-worker, as `bench/compare.ts` runs it: `work` executes jobs, `load` inserts jobs and waits until none is left. */

const [mode, folder, connectionString, count] = process.argv.slice(2);
const packages = createRequire(`${folder}/package.json`);
const { Logger, run, runMigrations } = packages('graphile-worker');
const { Client } = packages('pg');
const BATCH = 1_000;
const logger = new Logger(() => (level, message) => (level === 'error' ? void process.stderr.write(`${message}\n`) : undefined));

await runMigrations({ connectionString, logger });
if (mode === 'work') await work();
else await load();

async function work() {
  const preset = {
    worker: { connectionString, concurrentJobs: 48, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
  };
  await run({ preset, logger, taskList: { bench: async () => {} }, noHandleSignals: true });
  process.stdout.write('ready\n');
}

async function load() {
  const client = new Client({ connectionString });
  await client.connect();
  const startedAt = performance.now();
  for (let i = 0; i < Number(count); i += BATCH) {
    const jobs = Array.from({ length: BATCH }, (_, index) => ({ identifier: 'bench', payload: { i: i + index, text: 'x'.repeat(170) } }));
    await client.query(
      'SELECT 1 FROM graphile_worker.add_jobs(array(SELECT json_populate_recordset(null::graphile_worker.job_spec, $1::json)))',
      [JSON.stringify(jobs)],
    );
  }
  for (;;) {
    const { rows } = await client.query('SELECT 1 FROM graphile_worker.jobs LIMIT 1');
    if (rows.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  process.stdout.write(`${JSON.stringify({ seconds: (performance.now() - startedAt) / 1_000 })}\n`);
  process.exit(0);
}
