import { connectClient } from '#src/client/client.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { createFlow } from './load/load.ts';
import { type Product, startProduct } from './measure/product.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:turnover [-- --invocations 600] [-- --rounds 3]
 *
 * Measures how long a freed slot of a flow is unused, on npm start (all roles in one process) and three workers, each a process of its own:
 *
 * 1. A function with a limit of 10 and executions of 100 ms: how many end in a second.
 * 2. A function with a limit of 1 for each key, one key, and executions of 10 ms: how many end in a second.
 *
 * Beside each, a function without a flow and a known number of places runs in turns: the rate of a place there, times the limit, is what the same
 * machine reaches at the same moment without a ledger of slots. A share of it does not depend on other load of the machine, as a rate does.
 */

const option = (name: string, otherwise: number): number => {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? otherwise : Number(process.argv[index + 1]);
};
const WORKERS = 4;
const IN_FLIGHT = 16;
const GIVE_UP_AFTER_MS = 600_000;
const invocations = option('invocations', 600);
const rounds = option('rounds', 3);

/** `places`: of each worker, for the function without a flow. */
type Case = { title: string; limited: string; free: string; limit: number; ms: number; places: number; least: number };
const cases: readonly Case[] = [
  { title: 'limit 10, executions of 100 ms', limited: 'ten', free: 'ten-free', limit: 10, ms: 100, places: 3, least: 93 },
  { title: 'a key with limit 1, executions of 10 ms', limited: 'key', free: 'key-free', limit: 1, ms: 10, places: 1, least: 60 },
];

const report = createReport();
await using server = await startTestServer({ fsync: '100ms' });
const products: Product[] = [await startProduct(server.url)];
while (products.length < WORKERS) products.push(await startProduct(server.url, ['--role', 'worker']));
await using client = await connectClient({ servers: server.url });
const handler = { kind: 'process' as const, file: new URL('./load/echo.mjs', import.meta.url).pathname, export: 'timed' };
const policy = { maxAgeInSeconds: 86_400 };
await client.functions.put({ name: 'ten', handler, policy, concurrency: 10, flow: { concurrency: 10 } });
await client.functions.put({ name: 'key', handler, policy, concurrency: 10, flow: { concurrency: 1, key: '$.key' } });
for (const { free, places } of cases) await client.functions.put({ name: free, handler, policy, concurrency: places });

for (const one of cases) await measure(one);
for (const product of products) await product[Symbol.asyncDispose]();
process.exitCode = report.print() ? 0 : 1;

async function measure({ title, limited, free, limit, ms, places, least }: Case): Promise<void> {
  // The first executions start processes, and run code that is not optimized yet.
  await Promise.all([invokeAll(limited, 100, ms), invokeAll(free, 100, ms)]);
  const rates: number[] = [];
  const shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const ideal = ((await invokeAll(free, invocations, ms)) / (WORKERS * places)) * limit;
    const reached = await invokeAll(limited, invocations, ms);
    report.figures(`${title}: ended; without a ledger`, [reached, ideal], '/s');
    rates.push(reached);
    shares.push(reached / ideal);
  }
  report.check(`${title}: ended, best round`, Math.max(...rates), { min: least, unit: '/s' });
  report.figure('  share of the rate without a ledger, median', median(shares), '');
}

/** How many executions end in a second. Few requests are in flight, so that they share few messages of the log, and every worker gets some. */
async function invokeAll(name: string, count: number, ms: number): Promise<number> {
  const sending = createFlow(IN_FLIGHT);
  const runs: Promise<{ to: number }>[] = [];
  for (let index = 0; index < count; index++) {
    await sending.enter();
    const accepted = client.invoke(name, { ms, key: 'one' }).finally(sending.leave);
    runs.push(accepted.then(async (invoked) => (await invoked.result({ timeoutInMs: GIVE_UP_AFTER_MS })).value as { to: number }));
  }
  const ends = (await Promise.all(runs)).map(({ to }) => to).sort((one, other) => one - other);
  // The first tenth passes while the requests are accepted.
  const from = Math.floor(count / 10);
  return ((count - 1 - from) * 1_000) / ((ends.at(-1) ?? Number.NaN) - (ends[from] ?? Number.NaN));
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
