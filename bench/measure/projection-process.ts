import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { openProjection } from '#src/projection/projection.ts';
import { createAnswers } from '#src/projection/queries/answers.ts';

/* The measured process: folds the log of NATS_URL into BENCH_FOLDER from zero. Prints the time of the fold, then of each query. */

const connection = await openConnection({ servers: process.env.NATS_URL ?? '' });
const source = createNatsLogSource({ connection });
const { last } = await source.state();
const before = process.cpuUsage();
const startedAt = performance.now();
const projection = await openProjection({
  source,
  folder: process.env.BENCH_FOLDER ?? '',
  instance: 'bench',
  clock: systemClock,
  logger: silentLogger,
});
let peak = 0;
while ((projection.store.checkpoint?.sequence ?? 0) < last) {
  peak = Math.max(peak, process.memoryUsage.rss());
  await systemClock.sleep(250);
}
const { user, system } = process.cpuUsage(before);
const answers = createAnswers(projection, source.decode);
const say = (facts: object): void => void process.stdout.write(`${JSON.stringify(facts)}\n`);
say({ kind: 'rebuild', ms: performance.now() - startedAt, cpuInUs: user + system, peak });

const now = Date.now();
const filters = {
  none: {},
  function: { function: 'orders' },
  qualifier: { qualifier: 'v2' },
  'state, common': { state: ['notified'] },
  'state, none such': { state: ['retrying'] },
  'status, rare': { status: ['FAIL'] },
  'status, none such': { status: ['DISCARD'] },
  condition: { condition: ['SystemError'] },
  'condition, none such': { condition: ['LoopDetected'] },
  'time, a moment ago': { since: now - 1_000, until: now },
  'time, the first second': { until: (await firstAt()) + 1_000 },
  root: { root: 'root-0' },
  parent: { parent: 'parent-0' },
  'attempts, none such': { minAttempts: 2 },
  'attempts, all': { minAttempts: 1 },
  'duration, rare': { minDurationInMs: 398 },
  'duration, none such': { minDurationInMs: 100_000 },
  'text, in all payloads': { text: 'please' },
  'text, in one payload': { text: '77' },
  'text, in few errors': { text: 'stock item 50' },
  'text, nowhere': { text: 'nowhere' },
  'text, a beginning': { text: 'shipp*' },
  'function and status': { function: 'orders', status: ['FAIL'] },
  'attempts, none': { maxAttempts: 0 },
  'duration, at most': { maxDurationInMs: 3 },
  'an id': { id: 'nobody' },
  'none, in the middle of the log': { moment: { sequence: Math.floor(last / 2) } },
  'state, in the middle of the log': { moment: { sequence: Math.floor(last / 2) }, state: ['running'] },
  'function and status, in the middle': { moment: { at: await middleAt() }, function: 'orders', status: ['FAIL'] },
  'text, in the middle of the log': { moment: { sequence: Math.floor(last / 2) }, text: 'stock item 50' },
} as const;
for (const [name, filter] of Object.entries(filters)) {
  const took: number[] = [];
  for (let i = 0; i < 5; i++) {
    const at = performance.now();
    await answers.list({ limit: 50, ...(filter as object) });
    took.push(performance.now() - at);
  }
  say({ kind: 'list', filter: name, worst: Math.max(...took) });
}
const at = performance.now();
await answers.stats({});
say({ kind: 'stats', of: 'now', ms: performance.now() - at });
const then = performance.now();
await answers.stats({ moment: { sequence: Math.floor(last / 2) } });
say({ kind: 'stats', of: 'as they were in the middle of the log', ms: performance.now() - then });
await projection.stop();
await connection.close();

async function firstAt(): Promise<number> {
  return Number(projection.store.database.prepare('SELECT min(first_at) FROM clock').get()?.[0] ?? 0);
}

async function middleAt(): Promise<number> {
  return Number(projection.store.database.prepare('SELECT last_at FROM clock WHERE bucket = ?').get([Math.floor(last / 2 / 1_024)])?.[0]);
}
