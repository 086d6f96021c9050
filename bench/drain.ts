import { setTimeout as sleep } from 'node:timers/promises';
import { connectClient } from '#src/client/client.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { countArrivals } from './load/arrivals.ts';
import { createFlow, IN_FLIGHT } from './load/load.ts';
import { cpuOf, descendantsOf, memoryOf } from './measure/processes.ts';
import { startProduct } from './measure/product.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:drain [-- --burst 20000] [-- --queued 500000] [-- --rounds 3] [-- --kills 3] [-- --singles]
 *
 * Measures all roles as `npm start` runs them:
 *
 * 1. Bursts, in turns without a retry and with a tenth of the invocations retried after 100 ms.
 * 2. A backlog: the function is paused until everything is queued, and is then resumed. Meanwhile the process is killed once, and a worker
 *    and a scheduler run as processes of their own for a moment.
 *
 * 3. A burst with retries, during which the process is killed several times.
 *
 * It prints the results that were published for each outcome, and the longest time without an outcome.
 */

const option = (name: string, otherwise: number): number => {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? otherwise : Number(process.argv[index + 1]);
};
const burst = option('burst', 20_000);
const queued = option('queued', 500_000);
const rounds = option('rounds', 3);
const kills = option('kills', 3);
const isSingles = process.argv.includes('--singles');
const RETRIED = 0.1;
const STEADY_FOR_MS = 5_000;

const report = createReport();
await using server = await startTestServer({ fsync: '100ms' });
await using product = await startProduct(server.url);
const connection = await openConnection({ servers: server.url, name: 'bench-load' });
const subscriber = await openConnection({ servers: server.url, name: 'bench-subscriber' });
const publisher = createPublisher(connection, { timeoutInMs: 60_000 });
const client = await connectClient({ servers: server.url });
const arrivals = countArrivals(subscriber);
const definition = {
  name: 'flaky',
  handler: { kind: 'process' as const, file: new URL('./load/echo.mjs', import.meta.url).pathname, export: 'flaky' },
  concurrency: 512,
  policy: { maxRetries: 3, maxAgeInSeconds: 86_400, backoff: { initialInMs: 100, factor: 1, jitter: 0 } },
};
await client.functions.put(definition);
await subscriber.nats.flush();

await round(burst / 2, RETRIED);
const ratios: number[] = [];
const bursts: number[] = [];
for (let index = 0; index < rounds; index++) {
  const without = await round(burst, 0);
  const retried = await round(burst, RETRIED);
  bursts.push(without);
  ratios.push(retried / without);
}
if (rounds > 0) report.check('with a tenth retried / without, median', median(ratios), { min: 0.75 });
if (queued > 0) await drain(queued);
if (kills > 0) await storm(burst);
publisher.close();
await client.close();
await connection.close();
await subscriber.close();
process.exitCode = report.print() ? 0 : 1;

async function round(count: number, retried: number): Promise<number> {
  arrivals.reset(count);
  const before = spent();
  const server = await counted();
  await publish(count, retried);
  await arrivals.all();
  const rate = arrivals.rate(0, 1);
  const title = retried === 0 ? 'burst without a retry' : `burst, ${retried * 100} % retried`;
  report.rate(title, rate, spentSince(before, count));
  await reportArrivals(title);
  const { stored, requests } = await counted();
  report.figure(`  ${title}: messages of the log for each`, (stored - server.stored) / count, '');
  report.figure(`  ${title}: requests to the JetStream API for each`, (requests - server.requests) / count, '');
  return rate;
}

async function storm(count: number): Promise<void> {
  arrivals.reset(count);
  const publishing = publish(count, RETRIED);
  for (let kill = 1; kill <= kills; kill++) {
    while (arrivals.outcomes < (count * kill) / (kills + 1)) await new Promise((resolve) => setTimeout(resolve, 1));
    await product.restart();
  }
  await Promise.all([publishing, arrivals.all()]);
  report.rate(`burst with ${kills} kills, ${RETRIED * 100} % retried`, arrivals.rate(0, 1));
  await reportArrivals(`burst with ${kills} kills`, 1.01);
}

async function drain(count: number): Promise<void> {
  await client.functions.put({ ...definition, paused: true });
  arrivals.reset(count);
  await publish(count, 0);
  report.check('memory of all roles with the backlog queued', memoryOf(product.pid) / 1e6, { max: 800, unit: 'MB' });
  report.check('ready after kill -9 with the backlog queued', (await product.restart()) / 1_000, { max: 10, unit: 's' });
  report.figure('  processor time of the main process until then', cpuOf(product.pid) / 1e6, 's');
  for (const role of ['worker', 'scheduler']) await measureAlone(role);
  arrivals.reset(count);
  const before = spent();
  await client.functions.put(definition);
  await arrivals.all();
  report.rate(`backlog of ${count}`, arrivals.rate(0, 1), spentSince(before, count));
  if (rounds > 0) report.check('backlog / burst', arrivals.rate(0, 1) / median(bursts), { min: 0.8 });
  report.figures(
    'rate of each tenth',
    Array.from({ length: 10 }, (_, tenth) => arrivals.rate(tenth / 10, (tenth + 1) / 10)),
    '/s',
  );
  report.check('last tenth / first tenth', arrivals.rate(0.9, 1) / arrivals.rate(0, 0.1), { min: 0.8 });
  await reportArrivals('backlog');
  report.figure('memory of all roles after the backlog', memoryOf(product.pid) / 1e6, 'MB');
}

/** Starts a role with the backlog queued, as after a kill of that role, and waits until its memory grows no more. */
async function measureAlone(role: string): Promise<void> {
  const startedAt = performance.now();
  await using alone = await startProduct(server.url, ['--role', role]);
  report.check(`a ${role} alone is ready with the backlog queued`, (performance.now() - startedAt) / 1_000, { max: 10, unit: 's' });
  let most = 0;
  for (let grownAt = performance.now(); performance.now() - grownAt < STEADY_FOR_MS; await sleep(100)) {
    const bytes = memoryOf(alone.pid);
    if (bytes <= most) continue;
    most = bytes;
    grownAt = performance.now();
  }
  report.check(`  memory of that ${role}`, most / 1e6, { max: 400, unit: 'MB' });
}

/** Waits for a moment in which no result arrives, because a repeated result may follow the last outcome. */
async function reportArrivals(title: string, max = 1.001): Promise<void> {
  for (let seen = -1; seen !== arrivals.published; await new Promise((resolve) => setTimeout(resolve, 1_000))) seen = arrivals.published;
  report.check(`  ${title}: results published / outcomes`, arrivals.published / arrivals.outcomes, { max });
  report.figure(`  ${title}: longest lull`, arrivals.longestLullInMs, 'ms');
}

async function publish(count: number, retried: number): Promise<void> {
  const flow = createFlow(IN_FLIGHT);
  for (let i = 0; i < count; i++) {
    await flow.enter();
    const event = retried > 0 && i % Math.round(1 / retried) === 0 ? { i, fails: true } : { i };
    const accepted = isSingles ? publisher.publish('invoke.flaky', JSON.stringify(event)) : client.invoke('flaky', event);
    void accepted.then(flow.leave);
  }
  await flow.empty();
}

/** The messages that the log has stored, and the requests to the JetStream API. */
async function counted(): Promise<{ stored: number; requests: number }> {
  const { api } = (await (await fetch(`${server.monitorUrl}/jsz`)).json()) as { api: { total: number } };
  return { stored: await client.lastSequence(), requests: api.total };
}

type Spent = Record<string, number>;

function spent(): Spent {
  return {
    main: cpuOf(product.pid),
    children: descendantsOf(product.pid).reduce((sum, pid) => sum + cpuOf(pid), 0),
    server: cpuOf(server.pid),
    client: cpuOf(process.pid),
  };
}

function spentSince(before: Spent, count: number): Spent {
  return Object.fromEntries(Object.entries(spent()).map(([name, value]) => [name, (value - (before[name] ?? 0)) / count]));
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
