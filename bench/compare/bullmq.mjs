import { createRequire } from 'node:module';
import { answerCommands, createSeen, say } from './commands.mjs';

/*
 * BullMQ, as `bench/compare.ts` runs it: `work` executes jobs, `load` adds jobs in batches and receives the events of completed jobs.
 *
 * Settings, from https://docs.bullmq.io/guide/queues/adding-bulks, https://docs.bullmq.io/guide/workers/concurrency and
 * https://docs.bullmq.io/guide/events:
 * - `addBulk` of 500 jobs, four under way with `everysec` and two with `always`, so that Redis has the next ones while it answers.
 * - one worker with a concurrency of 100; completed jobs are kept, as by default.
 * - The stream of events keeps a million: by default, BullMQ drops the oldest of more than 10,000, whether they were read or not.
 */

const [mode, folder, url, fsync] = process.argv.slice(2);
const { Queue, QueueEvents, Worker } = createRequire(`${folder}/package.json`)('bullmq');
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const QUEUE = 'bench';

if (mode === 'work') await work();
else await load();

async function work() {
  const worker = new Worker(QUEUE, async () => {}, { connection, concurrency: 100 });
  worker.on('error', (error) => process.stderr.write(`${error.message}\n`));
  await worker.waitUntilReady();
  say('ready');
}

async function load() {
  const queue = new Queue(QUEUE, { connection, streams: { events: { maxLen: 1_000_000 } } });
  const events = new QueueEvents(QUEUE, { connection, lastEventId: '0' });
  const seen = createSeen();
  events.on('completed', ({ jobId }) => seen.add(jobId));
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  await answerCommands({
    seen,
    batch: 500,
    underWay: fsync === 'always' ? 2 : 4,
    send: (batch) => (batch.length === 1 ? queue.add('bench', batch[0]) : queue.addBulk(batch.map((data) => ({ name: 'bench', data })))),
    ask: () => queue.getJobs(['completed'], 0, 49),
  });
}
