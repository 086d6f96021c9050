import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';
import { encodeEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { encodeSchedule, type ScheduleName, scheduleKeyOf } from '#src/core/schedules/schedule.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';
import { commandLine } from '#test/support/cli/command-line.ts';
import { setup as buildOnce } from '#test/support/cli/processes/built-modules.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { createFlow } from './load/load.ts';
import { cpuOf, cpuOfTree, exactCpuOf, memoryOf, ownMemoryOf } from './measure/processes.ts';
import { startProduct } from './measure/product.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:functions [-- --functions 100000] [-- --active 200] [-- --pools 10000] [-- --schedules 5000]
 *
 * Measures what functions cost that have no work: the start, the memory and the idle processor time of worker, scheduler and gateway with many
 * functions, pools and schedules, against the same role without functions; the list of the functions; how long the first request of an idle
 * function takes, against a request of the same function at once after it; and how many consumers exist then. Wall times depend on what else
 * the machine does, so the processor time of each start stands beside it.
 */

const option = (name: string, otherwise: number): number => {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? otherwise : Number(process.argv[index + 1]);
};
const functions = option('functions', 100_000);
const active = option('active', 200);
const pools = option('pools', 10_000);
const schedules = option('schedules', 5_000);
const ROLES = ['worker', 'scheduler', 'gateway'] as const;
const IN_FLIGHT = 256;
/** A scheduler checks every schedule once after its start, on a busy machine for many seconds. The smallest share is the share of an idle process. */
const IDLE_TIMES = 6;
const IDLE_IN_MS = 5_000;
/** A client reads the whole registry, which takes long on a busy machine. */
const CONNECTS_WITHIN_MS = 60_000;
const LISTS = 5;
const NO_WORK = { start: 0, cpu: 0, memory: 0, idle: 0 };

const report = createReport();
// As users of the package run a command: from the sources, it would compile its modules first.
const removeBuild = await buildOnce();
await using server = await startTestServer({ fsync: '100ms' });
await (await startProduct(server.url))[Symbol.asyncDispose]();
const before: Record<string, typeof NO_WORK> = {};
for (const role of ROLES) before[role] = await measureRole(role, 'no function');
const definedAt = performance.now();
await define();
report.figure('definitions written a second', (functions + schedules) / ((performance.now() - definedAt) / 1_000), '/s');
const title = `${functions.toLocaleString('en')} functions, ${pools.toLocaleString('en')} of them pools, ${schedules.toLocaleString('en')} schedules`;
for (const role of ROLES) {
  const { start, cpu, memory, idle } = await measureRole(role, title);
  const none = before[role] ?? NO_WORK;
  report.check(`${role}: start`, start / 1_000, { max: 10, unit: 's' });
  report.figure(`${role}: processor time of the start, more than without`, (cpu - none.cpu) / 1_000, 's');
  report.check(`${role}: more memory than without functions`, memory - none.memory, { max: 150, unit: 'MB' });
  report.check(`${role}: idle`, idle, { max: 2, unit: '%' });
}
report.figure('memory of nats-server', memoryOf(server.pid) / 1e6, 'MB');
await measureLists();
await measureFirstRequests();
process.exitCode = report.print() ? 0 : 1;
removeBuild();

async function measureRole(role: string, what: string): Promise<typeof NO_WORK> {
  const startedAt = performance.now();
  await using product = await startProduct(server.url, ['--role', role]);
  const start = performance.now() - startedAt;
  const cpu = cpuOf(product.pid) / 1_000;
  const idle = Math.min(...(await idleTimesOf(product.pid)));
  const memory = ownMemoryOf(product.pid) / 1e6;
  report.figures(`${role}, ${what}: start and its processor time in ms, memory in MB, idle in % of a core`, [start, cpu, memory, idle], '');
  return { start, cpu, memory, idle };
}

/** The share of a core that a process uses, again and again, in percent. */
async function idleTimesOf(pid: number): Promise<number[]> {
  const shares: number[] = [];
  while (shares.length < IDLE_TIMES) {
    const [before, startedAt] = [exactCpuOf(pid), performance.now()];
    await pause(IDLE_IN_MS);
    shares.push(((exactCpuOf(pid) - before) / 1_000 / (performance.now() - startedAt)) * 100);
  }
  return shares;
}

/** Writes the entries of the registry, as the registry does, without its check of each. */
async function define(): Promise<void> {
  await using nats = await openNats(server.url);
  const file = new URL('./load/echo.mjs', import.meta.url).pathname;
  const sending = createFlow(IN_FLIGHT);
  const put = async (key: string, value: string): Promise<void> => {
    await sending.enter();
    void nats.ports.functions.put(key, value).then(sending.leave);
  };
  for (let index = 0; index < functions; index++) {
    const flow = index < pools ? { flow: { concurrency: 1, pool: `p${index}` } } : {};
    const definition = parseDefinition({ name: `f${index}`, handler: { kind: 'process', file, export: 'timed' }, ...flow });
    await put(`f${index}`, encodeEntry({ definition, versions: [], aliases: [] }));
  }
  const schedule = {
    cron: '0 4 1 1 *',
    timeZone: 'UTC',
    event: '',
    overlap: 'skip',
    catchUpInMs: 60_000,
    jitterInMs: 0,
    description: '',
  } as const;
  for (let index = 0; index < schedules; index++) {
    const name = `s${index}` as ScheduleName;
    const now = { paused: false, createdAt: Date.now(), since: Date.now() };
    await put(scheduleKeyOf(name), encodeSchedule({ ...schedule, ...now, name, function: `f${index}` as FunctionName }));
  }
  await sending.empty();
}

/** Runs the commands as a person does, and asks a gateway as the page of functions does. */
async function measureLists(): Promise<void> {
  const run = async (command: string): Promise<Taken> => {
    const startedAt = performance.now();
    const cpuBefore = cpuOfTree(process.pid);
    const child = spawn(process.execPath, [...commandLine(), ...command.split(' '), '--server', server.url], { stdio: 'ignore' });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`"sequent ${command}" ended with ${code}`);
    return { took: performance.now() - startedAt, cpu: (cpuOfTree(process.pid) - cpuBefore) / 1_000 };
  };
  const page = await medianOf('sequent fn ls', () => run('fn ls'));
  report.check('sequent fn ls: processor time of the page of a table, median', page / 1_000, { max: 0.5, unit: 's' });
  await medianOf('sequent fn ls --containing f9999', () => run('fn ls --containing f9999'));
  await medianOf('sequent fn ls -o jsonl: all functions', () => run('fn ls -o jsonl'));
  await medianOf('sequent schedule ls: all schedules', () => run('schedule ls'));
  await medianOf('sequent flow ls: all pools', () => run('flow ls'));
  await using gateway = await startProduct(server.url, ['--role', 'gateway']);
  await medianOf('GET /api/functions?limit=500, of the gateway', async () => {
    const startedAt = performance.now();
    const cpuBefore = cpuOf(gateway.pid);
    await (await fetch(`${gateway.http}/api/functions?limit=500`)).text();
    return { took: performance.now() - startedAt, cpu: (cpuOf(gateway.pid) - cpuBefore) / 1_000 };
  });
}

type Taken = { took: number; cpu: number };

/** Prints the medians of some measurements. Resolves to the median of the processor time. */
async function medianOf(what: string, measure: () => Promise<Taken>): Promise<number> {
  const taken: Taken[] = [];
  for (let round = 0; round < LISTS; round++) taken.push(await measure());
  const median = (of: keyof Taken): number =>
    quantile(
      taken.map((one) => one[of]),
      0.5,
    );
  report.figures(`${what}: time and processor time, medians`, [median('took'), median('cpu')], 'ms');
  return median('cpu');
}

async function measureFirstRequests(): Promise<void> {
  await using _product = await startProduct(server.url);
  await using client = await connectClient({ servers: server.url, timeout: CONNECTS_WITHIN_MS });
  const latencyOf = async (name: string): Promise<number> => {
    const sentAt = performance.now();
    await (await client.invoke(name, {})).result();
    return performance.now() - sentAt;
  };
  // Inline functions, because the first execution of another one starts a process.
  const names = Array.from({ length: active }, (_, index) => `active${index}`);
  const own = names.map((name) => defineFunction({ name, handler: (event: object) => event }));
  await using _worker = await startWorker({ servers: server.url, timeout: CONNECTS_WITHIN_MS, functions: own });
  await latencyOf('active0');
  const idle: number[] = [];
  const busy: number[] = [];
  for (const name of names.slice(1)) {
    idle.push(await latencyOf(name));
    busy.push(await latencyOf(name));
  }
  report.figures('first and second request of a function, median', [quantile(idle, 0.5), quantile(busy, 0.5)], 'ms');
  report.figures('first and second request of a function, p99', [quantile(idle, 0.99), quantile(busy, 0.99)], 'ms');
  await using nats = await openNats(server.url);
  report.check('first request, p99, more than the second', quantile(idle, 0.99) - quantile(busy, 0.99), { max: 50, unit: 'ms' });
  report.check('consumers of functions', (await nats.ports.workConsumers.list()).size, { max: active });
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length * share)] ?? 0;
}

function pause(inMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, inMs));
}
