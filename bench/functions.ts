import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';
import { encodeEntry } from '#src/core/functions/entry.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { createFlow } from './load/load.ts';
import { cpuOf, ownMemoryOf } from './measure/processes.ts';
import { startProduct } from './measure/product.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:functions [-- --functions 100000] [-- --active 200]
 *
 * Measures what functions cost that have no work: the start, the memory and the idle processor time of worker, scheduler and gateway with many
 * functions, against the same role without functions; the list of all functions; how long the first request of an idle function takes, against a
 * request of the same function at once after it; and how many consumers exist then.
 */

const option = (name: string, otherwise: number): number => {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? otherwise : Number(process.argv[index + 1]);
};
const functions = option('functions', 100_000);
const active = option('active', 200);
const ROLES = ['worker', 'scheduler', 'gateway'] as const;
const IN_FLIGHT = 256;
const IDLE_IN_MS = 10_000;
const NO_WORK = { start: 0, memory: 0 };

const report = createReport();
await using server = await startTestServer({ fsync: '100ms' });
await (await startProduct(server.url))[Symbol.asyncDispose]();
const before: Record<string, typeof NO_WORK> = {};
for (const role of ROLES) before[role] = await measureRole(role, 'no function');
await define(functions);
for (const role of ROLES) {
  const { start, memory } = await measureRole(role, `${functions.toLocaleString('en')} functions`);
  report.check(`${role}: start`, start / 1_000, { max: 10, unit: 's' });
  report.check(`${role}: more memory than without functions`, memory - (before[role] ?? NO_WORK).memory, { max: 150, unit: 'MB' });
}
await measureFirstRequests();
process.exitCode = report.print() ? 0 : 1;

async function measureRole(role: string, title: string): Promise<typeof NO_WORK> {
  const startedAt = performance.now();
  await using product = await startProduct(server.url, ['--role', role]);
  const start = performance.now() - startedAt;
  await pause(IDLE_IN_MS / 2);
  const cpuBefore = cpuOf(product.pid);
  await pause(IDLE_IN_MS);
  const idle = ((cpuOf(product.pid) - cpuBefore) / 1_000 / IDLE_IN_MS) * 100;
  const memory = ownMemoryOf(product.pid) / 1e6;
  report.figures(`${role}, ${title}: start in ms, memory in MB, idle in % of a core`, [start, memory, idle], '');
  return { start, memory };
}

/** Writes the entries of the registry, as the registry does, without its check of each. */
async function define(count: number): Promise<void> {
  await using nats = await openNats(server.url);
  const file = new URL('./load/echo.mjs', import.meta.url).pathname;
  const sending = createFlow(IN_FLIGHT);
  for (let index = 0; index < count; index++) {
    const definition = parseDefinition({ name: `f${index}`, handler: { kind: 'process', file, export: 'timed' } });
    await sending.enter();
    void nats.ports.functions.put(`f${index}`, encodeEntry({ definition, versions: [], aliases: [] })).then(sending.leave);
  }
  await sending.empty();
}

async function measureFirstRequests(): Promise<void> {
  await using _product = await startProduct(server.url);
  await using client = await connectClient({ servers: server.url });
  const listedAt = performance.now();
  const listed = (await client.functions.list()).length;
  report.figure(`list of all ${listed.toLocaleString('en')} functions`, performance.now() - listedAt, 'ms');
  const latencyOf = async (name: string): Promise<number> => {
    const sentAt = performance.now();
    await (await client.invoke(name, {})).result();
    return performance.now() - sentAt;
  };
  // Inline functions, because the first execution of another one starts a process.
  const names = Array.from({ length: active }, (_, index) => `active${index}`);
  const own = names.map((name) => defineFunction({ name, handler: (event: object) => event }));
  await using _worker = await startWorker({ servers: server.url, functions: own });
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
