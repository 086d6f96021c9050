import { fileURLToPath } from 'node:url';
import { connectClient } from '#src/client/client.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { createFlow } from './load/load.ts';
import { startProduct } from './measure/product.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:runtimes [-- --invocations 5000] [-- --rounds 5] [-- --firsts 10]
 *
 * Measures the runtimes of functions by all roles of npm start. The languages take turns, so that other load of the machine meets both:
 *
 * 1. How many executions of a function that does nothing end in a second. The ratio is of the medians.
 * 2. How long the first call of an idle function takes, from the request to its result: the process of the function starts.
 *
 * Ends with 1 when Python runs fewer than half of the executions of Node.js, or its first call takes longer than 150 ms.
 */

const option = (name: string, otherwise: number): number => {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? otherwise : Number(process.argv[index + 1]);
};
const IN_FLIGHT = 512;
const GIVE_UP_AFTER_MS = 600_000;
const invocations = option('invocations', 5_000);
const rounds = option('rounds', 5);
const firsts = option('firsts', 10);
const path = (file: string): string => fileURLToPath(new URL(`./load/${file}`, import.meta.url));
const languages = [
  { name: 'nodejs', title: 'Node.js', file: path('echo.mjs') },
  { name: 'python', title: 'Python', file: path('noop.py') },
] as const;
type Language = (typeof languages)[number];

const report = createReport();
await using server = await startTestServer({ fsync: '100ms' });
await using _product = await startProduct(server.url);
await using client = await connectClient({ servers: server.url });

const rates = { nodejs: [] as number[], python: [] as number[] };
for (const { name, file } of languages) await define(name, file);
// The first executions start processes, and run code that is not optimized yet.
for (const { name } of languages) await rateOf(name, Math.min(invocations, 2_000));
for (let round = 0; round < rounds; round++)
  for (const { name, title } of languages) {
    const rate = await rateOf(name, invocations);
    report.rate(`${title}: executions that do nothing`, rate);
    rates[name].push(rate);
  }
const firstCalls = { nodejs: [] as number[], python: [] as number[] };
for (let index = 0; index < firsts; index++)
  for (const language of languages) firstCalls[language.name].push(await firstCall(language, index));

for (const { name, title } of languages) {
  report.rate(`${title}: median`, median(rates[name]));
  report.figures(`${title}: first call, each`, firstCalls[name], 'ms');
}
report.check('Python / Node.js, medians', median(rates.python) / median(rates.nodejs), { min: 0.5 });
report.figure('Node.js: first call of an idle function, median', median(firstCalls.nodejs), 'ms');
report.check('Python: first call of an idle function, median', median(firstCalls.python), { max: 150, unit: 'ms' });
process.exitCode = report.print() ? 0 : 1;

async function define(name: string, file: string): Promise<void> {
  await client.functions.put({ name, handler: { kind: 'process', file, export: 'noop' }, policy: { maxAgeInSeconds: 86_400 } });
}

/** From the first request to the last result. */
async function rateOf(name: string, count: number): Promise<number> {
  const sending = createFlow(IN_FLIGHT);
  const results: Promise<unknown>[] = [];
  const startedAt = performance.now();
  for (let index = 0; index < count; index++) {
    await sending.enter();
    const accepted = client.invoke(name, {}).finally(sending.leave);
    results.push(accepted.then((invoked) => invoked.result({ timeoutInMs: GIVE_UP_AFTER_MS })));
  }
  await Promise.all(results);
  return (count * 1_000) / (performance.now() - startedAt);
}

async function firstCall({ name, file }: Language, index: number): Promise<number> {
  const first = `${name}-${index}`;
  await define(first, file);
  const startedAt = performance.now();
  await (await client.invoke(first, {})).result({ timeoutInMs: GIVE_UP_AFTER_MS });
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
