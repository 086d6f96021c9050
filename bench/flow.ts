import { connectClient } from '#src/client/client.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { createFlow, openLoad } from './load/load.ts';
import { measureFlowState } from './measure/flow-state.ts';
import { type Product, startProduct } from './measure/product.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:flow [-- --waiting 1000000] [-- --ordered 10000] [-- --invocations 1200] [-- --keys 10000] [-- --busy 50000] [-- --rated 3000]
 *
 * Measures in memory what an event costs the scheduler and the ledger while a million requests of 100,000 keys wait: the time, the memory, and the
 * longest step. Then measures the limits of a flow over four workers, each a process of its own:
 *
 * 1. A function with a limit of 10: how many executions run at one moment, and how many end in a second.
 * 2. A function with a limit of 1 for each of many keys, in turns with a function without a flow.
 * 3. A function with a rate of 100 in a second and a backlog: the starts in any ten seconds by the log, and the share of the rate that is used.
 * 4. The requests of each of many keys in their order, in turns with a function without a flow.
 * 5. The time from request to result of the other keys, alone and while one key has a backlog.
 *
 * The handlers return when they ran, so the limits are checked by what ran, and not by what the log says.
 */

const option = (name: string, otherwise: number): number => {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? otherwise : Number(process.argv[index + 1]);
};
const WORKERS = 4;
const LIMIT = 10;
const EXECUTION_IN_MS = 100;
const ROUNDS = 3;
const WARM_UP = 300;
const IN_FLIGHT = 16;
const GIVE_UP_AFTER_MS = 600_000;
const EACH_IN_ORDER = 10;
const OTHERS = { count: 500, perSecond: 50 };
const invocations = option('invocations', 1_200);
const keys = option('keys', 10_000);
const busy = option('busy', 50_000);
const rated = option('rated', 3_000);
const waiting = option('waiting', 1_000_000);
const ordered = option('ordered', 10_000);
const RATE = { limit: 100, per: '1s', burst: 100 };
const WINDOW_IN_MS = 10_000;

type Run = { key?: string; from: number; to: number };

const report = createReport();
if (waiting > 0) await measureFlowState(report, waiting);
await using server = await startTestServer({ fsync: '100ms' });
await using _scheduler = await startProduct(server.url, ['--role', 'scheduler']);
const workers: Product[] = [];
for (let index = 0; index < WORKERS; index++) workers.push(await startProduct(server.url, ['--role', 'worker']));
await using client = await connectClient({ servers: server.url });
const handler = { kind: 'process' as const, file: new URL('./load/echo.mjs', import.meta.url).pathname, export: 'timed' };
const policy = { maxAgeInSeconds: 86_400 };
await client.functions.put({ name: 'limited', handler, policy, concurrency: LIMIT, flow: { concurrency: LIMIT } });
await client.functions.put({ name: 'keyed', handler, policy, concurrency: 128, flow: { concurrency: 1, key: '$.key' } });
await client.functions.put({ name: 'ordered', handler, policy, concurrency: 128, flow: { concurrency: 1, key: '$.key', order: 'fifo' } });
await client.functions.put({ name: 'rated', handler, policy, concurrency: 128, flow: { rate: RATE } });
await client.functions.put({ name: 'free', handler, policy, concurrency: 128 });

if (invocations > 0) await measureLimit();
if (rated > 0) await measureRate();
if (keys > 0) await measureKeys();
if (ordered > 0) await measureOrder();
if (busy > 0) await measureBusyKey();
for (const worker of workers) await worker[Symbol.asyncDispose]();
process.exitCode = report.print() ? 0 : 1;

async function measureLimit(): Promise<void> {
  // The first executions start processes, and run code that is not optimized yet.
  await invokeAll('limited', WARM_UP, () => ({ ms: EXECUTION_IN_MS }));
  const { runs, perSecond } = await invokeAll('limited', invocations, () => ({ ms: EXECUTION_IN_MS }));
  report.check(`executions of ${EXECUTION_IN_MS} ms at one moment, limit ${LIMIT}`, mostAtOnce(runs), { max: LIMIT });
  report.check('  ended', perSecond, { min: (900 * LIMIT) / EXECUTION_IN_MS, unit: '/s' });
}

/** The executions take 20 ms. What counts is the time of `running` in the log, which is before the execution. */
async function measureRate(): Promise<void> {
  // The first executions start processes, and run code that is not optimized yet.
  await invokeAll('rated', WARM_UP, () => ({ ms: 20 }));
  const from = Date.now();
  // The bucket is full again after this time.
  await new Promise((resolve) => setTimeout(resolve, (RATE.burst * 1_000) / RATE.limit));
  await using log = await watchLog(server.url);
  await invokeAll('rated', rated, () => ({ ms: 20 }));
  const starts = [...log.facts.values()].flat().flatMap((fact) => (fact.type === 'running' && fact.at > from ? [fact.at] : []));
  starts.sort((one, other) => one - other);
  const [first = 0, last = 0] = [starts[0], starts.at(-1)];
  const perWindow = (WINDOW_IN_MS / 1_000) * RATE.limit;
  report.check('starts in any 10 s, rate 100/s, burst 100', mostWithin(starts, WINDOW_IN_MS), { max: perWindow + RATE.burst });
  report.check('  used of the rate, %', (100 * (starts.length - RATE.burst) * 1_000) / (last - first) / RATE.limit, { min: 95 });
}

/** The highest number of times in a window. */
function mostWithin(sorted: readonly number[], windowInMs: number): number {
  let [from, most] = [0, 0];
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[from] ?? at) > windowInMs) from++;
    most = Math.max(most, index - from + 1);
  }
  return most;
}

async function measureKeys(): Promise<void> {
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const event = (): object => ({ key: `key-${Math.floor(Math.random() * keys)}` });
    const free = await invokeAll('free', keys, event);
    const keyed = await invokeAll('keyed', keys, event);
    report.rate('without a flow', free.perSecond);
    report.rate(`limit 1 for each of ${keys} keys`, keyed.perSecond);
    report.check('  executions of one key at one moment', Math.max(...byKey(keyed.runs).map(mostAtOnce)), { max: 1 });
    ratios.push(keyed.perSecond / free.perSecond);
  }
  report.check('with a limit for each key / without a flow, median', median(ratios), { min: 0.5 });
}

/** The requests of all keys come at once, in parts that run in turns, so that other load of the machine affects both. */
async function measureOrder(): Promise<void> {
  const load = await openLoad(server.url);
  const count = Math.ceil((EACH_IN_ORDER * ordered) / ROUNDS);
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const event = (number: number): object => ({ key: `key-${number % ordered}` });
    const free = await load.batches('free', count, event);
    const inOrder = await load.batches('ordered', count, event);
    report.rate('batches without a flow', free);
    report.rate(`in order, ${ordered} keys`, inOrder);
    ratios.push(inOrder / free);
  }
  await load.close();
  report.check('in order / without a flow, median', median(ratios), { min: 0.4 });
}

async function measureBusyKey(): Promise<void> {
  const alone = await latencyOfOthers();
  const backlog = createFlow(4_096);
  for (let index = 0; index < busy; index++) {
    await backlog.enter();
    void client.invoke('keyed', { key: 'busy', ms: 1_000 }).then(backlog.leave);
  }
  await backlog.empty();
  const beside = await latencyOfOthers();
  report.figure('other keys alone: p99', alone, 'ms');
  report.figure(`other keys beside a key with a backlog of ${busy}: p99`, beside, 'ms');
  report.check('  beside the backlog / alone', beside / alone, { max: 2 });
}

/** The time from request to result of requests with keys of their own at a steady rate, of 99 of 100, in milliseconds. */
async function latencyOfOthers(): Promise<number> {
  const times: Promise<number>[] = [];
  const begin = performance.now();
  for (let index = 0; index < OTHERS.count; index++) {
    const wait = begin + (index * 1_000) / OTHERS.perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const at = performance.now();
    const invoked = client.invoke('keyed', { key: `other-${index}` }).then((one) => one.result({ timeoutInMs: GIVE_UP_AFTER_MS }));
    times.push(invoked.then(() => performance.now() - at));
  }
  const sorted = (await Promise.all(times)).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}

/** Few requests are in flight, so that they share few messages of the log, and every worker gets some. */
async function invokeAll(name: string, count: number, event: () => object): Promise<{ runs: Run[]; perSecond: number }> {
  const startedAt = performance.now();
  const sending = createFlow(IN_FLIGHT);
  const runs: Promise<Run>[] = [];
  for (let index = 0; index < count; index++) {
    await sending.enter();
    const accepted = client.invoke(name, event()).finally(sending.leave);
    runs.push(accepted.then(async (invoked) => (await invoked.result({ timeoutInMs: GIVE_UP_AFTER_MS })).value as Run));
  }
  return { runs: await Promise.all(runs), perSecond: (count * 1_000) / (performance.now() - startedAt) };
}

/** The highest number of runs at one moment. A run that ends when another one starts is not counted with it. */
function mostAtOnce(runs: readonly Run[]): number {
  const changes = runs.flatMap(({ from, to }): [number, number][] => [
    [from, 1],
    [to, -1],
  ]);
  changes.sort(([one, step], [other, otherStep]) => one - other || step - otherStep);
  let [running, most] = [0, 0];
  for (const [, step] of changes) {
    running += step;
    most = Math.max(most, running);
  }
  return most;
}

function byKey(runs: readonly Run[]): Run[][] {
  const groups = new Map<string | undefined, Run[]>();
  for (const run of runs) groups.set(run.key, [...(groups.get(run.key) ?? []), run]);
  return [...groups.values()];
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
