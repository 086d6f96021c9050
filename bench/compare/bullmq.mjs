import { createRequire } from 'node:module';
import { answerCommands, batchesOf, createSeen, eventOf, latenciesOf, say, timed } from './commands.mjs';

/* BullMQ, as `bench/compare.ts` runs it: `work` executes jobs, `load` adds jobs in batches and receives the events of completed jobs. */

const [mode, folder, url, count] = process.argv.slice(2);
const { Queue, QueueEvents, Worker } = createRequire(`${folder}/package.json`)('bullmq');
const { hostname: host, port } = new URL(url);
const connection = { host, port: Number(port), maxRetriesPerRequest: null };
const QUEUE = 'bench';

if (mode === 'work') await work();
else await load();

async function work() {
  const worker = new Worker(QUEUE, async () => {}, { connection, concurrency: 50 });
  worker.on('error', (error) => process.stderr.write(`${error.message}\n`));
  await worker.waitUntilReady();
  say('ready');
}

async function load() {
  // By default, BullMQ drops the oldest of more than 10,000 events, whether they were read or not.
  const queue = new Queue(QUEUE, { connection, streams: { events: { maxLen: 10 * Number(count) } } });
  const events = new QueueEvents(QUEUE, { connection, lastEventId: '0' });
  const seen = createSeen();
  events.on('completed', ({ jobId }) => seen.add(jobId));
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const runBurst = async () => {
    const all = seen.next(Number(count));
    for (const batch of batchesOf(Number(count))) await queue.addBulk(batch.map((data) => ({ name: 'bench', data })));
    await all;
  };
  await answerCommands({
    async burst() {
      const seconds = await timed(runBurst);
      await queue.clean(0, Number.POSITIVE_INFINITY, 'completed');
      return seconds;
    },
    latency: () =>
      latenciesOf(async (i) => {
        const one = seen.next(1);
        await queue.add('bench', eventOf(i));
        await one;
      }),
  });
}
