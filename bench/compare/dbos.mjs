import { createRequire } from 'node:module';
import { answerCommands, countOutcomes, createSeen, say } from './commands.mjs';

/*
 * DBOS 5, as `bench/compare.ts` runs it: `work` executes workflows of a queue, `load` enqueues workflows and receives the succeeded ones.
 *
 * Settings, from https://docs.dbos.dev/typescript/reference/queues and https://docs.dbos.dev/typescript/reference/configuration:
 * - `minPollingIntervalMs: 10` instead of a second, and `workerConcurrency: 500`, so that a poll takes what arrived since the one before.
 * - pools of 20 connections; workflows are enqueued by `DBOSClient`, as a program does that does not run them. The client has no call for many
 *   workflows, so 64 are under way.
 * - `VACUUM ANALYZE`: see `pg-boss.mjs`.
 */

const [mode, folder, connectionString] = process.argv.slice(2);
const packages = createRequire(`${folder}/package.json`);
const { DBOS, DBOSClient } = packages('@dbos-inc/dbos-sdk');
const { Client } = packages('pg');
const QUEUE = 'bench';
const systemDatabaseUrl = new URL(connectionString);
systemDatabaseUrl.pathname = '/bench_dbos';
const common = { systemDatabaseUrl: String(systemDatabaseUrl), systemDatabasePoolSize: 20 };

if (mode === 'work') await work();
else await load();

async function work() {
  const limits = { workerConcurrency: 500, minPollingIntervalMs: 10 };
  DBOS.setConfig({ name: 'bench', logLevel: 'error', ...common });
  DBOS.registerWorkflow(async () => {}, { name: 'noop' });
  await DBOS.launch();
  await DBOS.registerQueue(QUEUE, limits);
  say('ready');
}

async function load() {
  const client = await DBOSClient.create({ applicationName: 'bench', ...common });
  const observer = new Client({ connectionString: common.systemDatabaseUrl });
  await observer.connect();
  const seen = createSeen();
  await countOutcomes(observer, seen, { tables: ['dbos.workflow_status'], changed: 'UPDATE', condition: "status = 'SUCCESS'" });
  await answerCommands({
    seen,
    underWay: 64,
    send: ([event]) => client.enqueue({ workflowName: 'noop', queueName: QUEUE }, event),
    ask: () => client.listWorkflows({ limit: 50, sortDesc: true }),
    settle: () => observer.query('VACUUM ANALYZE dbos.workflow_status'),
  });
}
