import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectClient } from '#src/client/client.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { createFlow } from './load/load.ts';
import { openCountedProcess } from './measure/counted-process.ts';
import { byKind, descendantsOf, exactCpuOf, switchesOf } from './measure/processes.ts';
import { startProduct } from './measure/product.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:runtimes [-- --invocations 5000] [-- --rounds 5] [-- --firsts 10]
 *
 * Measures the runtimes of functions by all roles of npm start. The languages take turns, so that other load of the machine meets both:
 *
 * 1. How many executions of a function that does nothing end in a second. The ratio is of the medians.
 *    With each rate stands the processor time of an execution: of the server, of this process, and of Sequent by its processes. For functions
 *    with a program below the process of Sequent, the program is separate, and how often the threads of both wake up.
 * 2. How long the first call of an idle function takes, from the request to its result: the process of the function starts.
 *
 * 3. What the least server of the API of custom runtimes in Node.js reaches with the same program in Go, without Sequent: the processor time of both,
 *    and two ratios to the processor time of Node.js: of all processes, and of all processes with the bare server instead of Sequent.
 *
 * The program of a custom runtime runs twice: as Go starts it, with a thread for each processor, and with one (GOMAXPROCS=1).
 *
 * Ends with 1 when Python runs fewer than half of the executions of Node.js, or its first call takes longer than 150 ms, or when a program in Go
 * runs fewer than 0.8 of them, as a custom runtime or by the runtime protocol. Without Go, there is no program.
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
const program = buildProgram();
const languages = [
  { name: 'nodejs', title: 'Node.js', file: path('echo.mjs') },
  { name: 'python', title: 'Python', file: path('noop.py') },
  ...(program === undefined
    ? []
    : [
        { name: 'custom', title: 'Custom runtime, Go', file: program },
        { name: 'custom-one', title: 'Custom runtime, Go with GOMAXPROCS=1', file: program, userData: { GOMAXPROCS: '1' } },
        { name: 'executable', title: 'Runtime protocol, Go', file: program, runtime: 'executable' },
      ]),
].map((language) => ({
  ...language,
  rates: [] as number[],
  costs: [] as Record<string, number>[],
  wakeUps: [] as Record<string, number>[],
  firstCalls: [] as number[],
}));
type Language = Omit<(typeof languages)[number], 'runtime' | 'userData'> & { runtime?: string; userData?: Record<string, string> };

const report = createReport();
await using server = await startTestServer({ fsync: '100ms' });
await using product = await startProduct(server.url);
await using client = await connectClient({ servers: server.url });

for (const language of languages) await define(language.name, language);
// The first executions start processes, and run code that is not optimized yet.
for (const { name } of languages) await rateOf(name, Math.min(invocations, 2_000));
for (let round = 0; round < rounds; round++)
  for (const { name, title, rates, costs, wakeUps } of languages) {
    const costsOf = count(exactCpuOf);
    const wakeUpsOf = count(switchesOf);
    const rate = await rateOf(name, invocations);
    const cost = costsOf(invocations);
    wakeUps.push(wakeUpsOf(invocations));
    report.rate(`${title}: executions that do nothing`, rate, cost);
    rates.push(rate);
    costs.push(cost);
  }
for (let index = 0; index < firsts; index++) for (const language of languages) language.firstCalls.push(await firstCall(language, index));

const MIN_RATIO: Readonly<Record<string, number>> = { python: 0.5, custom: 0.8, executable: 0.8 };
const [node] = languages;
for (const { name, title, rates, costs, wakeUps, firstCalls } of languages) {
  report.rate(`${title}: median`, median(rates));
  if (name.startsWith('custom'))
    for (const [kind, what] of [
      ['functions', 'the process of Sequent'],
      ['programs', 'the program'],
    ] as const) {
      report.figure(`${title}: processor time of an execution in ${what}, median`, medianOf(costs, kind), 'µs');
      report.figure(`${title}: wake-ups of an execution in ${what}, median`, medianOf(wakeUps, kind), '');
    }
  report.figures(`${title}: first call, each`, firstCalls, 'ms');
  if (MIN_RATIO[name] !== undefined)
    report.check(`${title} / Node.js, medians`, median(rates) / median(node?.rates ?? []), { min: MIN_RATIO[name] });
  if (name === 'python') report.check(`${title}: first call of an idle function, median`, median(firstCalls), { max: 150, unit: 'ms' });
  else report.figure(`${title}: first call of an idle function, median`, median(firstCalls), 'ms');
}
if (program !== undefined) {
  await reportBareApi('custom', [program]);
  await reportBareApi('custom-one', [program, '1']);
}
process.exitCode = report.print() ? 0 : 1;

/** Begins to count. The returned function gives what each of a number of executions took since then, by kinds of processes. */
function count(measure: (pid: number) => number): (executions: number) => Record<string, number> {
  const pids = [server.pid, process.pid, product.pid, ...descendantsOf(product.pid)];
  const before = new Map(pids.map((pid) => [pid, measure(pid)]));
  return (executions) => {
    const since = (pid: number): number => (measure(pid) - (before.get(pid) ?? 0)) / executions;
    return { server: since(server.pid), client: since(process.pid), ...byKind(product.pid, since) };
  };
}

/** What remains when the worker costs nothing: the two requests of an execution, in a bare server and in the program. */
async function reportBareApi(name: string, args: readonly string[]): Promise<void> {
  const bare = openCountedProcess([path('bare-runtime-api.mjs'), ...args]);
  await bare.next();
  await bare.run(Math.min(invocations, 2_000));
  const runs = [];
  for (let round = 0; round < rounds; round++) runs.push(await bare.run(invocations));
  await bare.close();
  const custom = languages.find((language) => language.name === name);
  const title = custom?.title ?? name;
  report.rate(`${title}, at a bare server: median`, median(runs.map(({ perSecond }) => perSecond)));
  const own = median(runs.map((run) => run.own));
  const below = median(runs.map((run) => run.below));
  report.figure(`${title}, at a bare server: processor time of an execution in the server`, own, 'µs');
  report.figure(`${title}, at a bare server: processor time of an execution in the program`, below, 'µs');
  const ofAll = costOf(node?.costs);
  report.figure(`${title}: processor time of Node.js / of this`, ofAll / costOf(custom?.costs), '');
  const withBare = ofAll - medianOf(node?.costs ?? [], 'functions') + own + below;
  report.figure(`${title}: the same, with the bare server and its program`, ofAll / withBare, '');
}

function medianOf(counted: readonly Record<string, number>[], kind: string): number {
  return median(counted.map((one) => one[kind] ?? 0));
}

/** The processor time of an execution in all processes. */
function costOf(costs: readonly Record<string, number>[] = []): number {
  return median(costs.map((cost) => Object.values(cost).reduce((sum, one) => sum + one, 0)));
}

/** The program of `noop.go`; `undefined` on a machine without Go. */
function buildProgram(): string | undefined {
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'sequent-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'bootstrap');
  execFileSync('go', ['build', '-o', file, path('noop.go')], { env: { ...process.env, GO111MODULE: 'off', CGO_ENABLED: '0' } });
  return file;
}

async function define(name: string, { file, runtime, userData }: Language): Promise<void> {
  const handler = { kind: 'process' as const, file, export: 'noop', ...(runtime === undefined ? {} : { runtime }) };
  await client.functions.put({ name, handler, policy: { maxAgeInSeconds: 86_400 }, ...(userData === undefined ? {} : { userData }) });
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

async function firstCall(language: Language, index: number): Promise<number> {
  const first = `${language.name}-${index}`;
  await define(first, language);
  const startedAt = performance.now();
  await (await client.invoke(first, {})).result({ timeoutInMs: GIVE_UP_AFTER_MS });
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
