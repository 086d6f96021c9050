import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { findPostgres, startPostgres } from './compare/postgres.ts';
import { startForm } from './measured-form.ts';
import { cpuOfTree } from './processes.ts';
import { createReport } from './report.ts';
import { openFormLoad } from './workloads.ts';

const HELP = `npm run bench:compare -- [options]

Runs the same work by Sequent as npm start runs it (client batches), and by other systems on PostgreSQL in batches of 1,000: 200 bytes each,
accepted durably, executed (nothing is done), completed durably, and the completion seen. The systems take turns. Only the ratios count.

  --count <n>     invocations of each round (20000)
  --rounds <n>    (3)
  --help

The packages are installed into the folder for temporary files, not into this project. A system whose server is missing is left out.
Exit codes: 0 measured, 1 no other system could be measured, 2 an option is invalid.`;

/** The versions that were compared first, so that results stay comparable. */
const PACKAGES = ['pg-boss@10.4.2', 'graphile-worker@0.17.3'];
const SYSTEMS = ['pg-boss', 'graphile-worker'] as const;

const { count, rounds } = readOptions();
const bin = findPostgres();
if (bin === undefined) end('PostgreSQL is missing, so nothing can be compared; install it: apt-get install postgresql', 1);
const folder = installPackages();
const report = createReport();
await using postgres = await startPostgres(bin);
await using product = await startForm('product', '100ms');
const load = await openFormLoad(product);
const workers = await Promise.all(SYSTEMS.map(startWorker));
const rates = new Map<string, number[]>();
// The first round is a warm-up.
for (let round = 0; round <= rounds; round++) {
  await measure('Sequent, npm start', round > 0, [product.pid, product.serverPid], sequent);
  for (const [index, system] of SYSTEMS.entries())
    await measure(system, round > 0, [postgres.pid, workers[index]?.pid ?? 0], () => runLoad(system));
}
for (const [system, found] of rates) report.rate(system, median(found));
const own = rates.get('Sequent, npm start') ?? [];
for (const system of SYSTEMS) {
  const ratios = own.map((rate, round) => rate / (rates.get(system)?.[round] ?? Number.NaN));
  report.figure(`Sequent, npm start / ${system}, median of the rounds`, median(ratios), '');
}
for (const worker of workers) worker.kill('SIGKILL');
await load.close();

async function measure(system: string, isCounted: boolean, pids: readonly number[], run: () => Promise<number>): Promise<void> {
  const spent = (): number => pids.reduce((sum, pid) => sum + cpuOfTree(pid), 0);
  const before = spent();
  const rate = await run();
  if (!isCounted) return;
  rates.set(system, [...(rates.get(system) ?? []), rate]);
  report.rate(`  ${system}`, rate, { 'server and workers': (spent() - before) / count });
}

async function sequent(): Promise<number> {
  load.arrivals.reset(count);
  const workload = { title: '', send: 'batches', functionName: 'flaky', count, retried: 0, outcomes: 1 } as const;
  await Promise.all([load.send(workload), load.arrivals.all()]);
  return load.arrivals.rate(0, 1);
}

function start(system: string, mode: 'work' | 'load'): ChildProcess {
  const script = new URL(`./compare/${system}.mjs`, import.meta.url).pathname;
  return spawn(process.execPath, [script, mode, folder, postgres.url, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function startWorker(system: string): Promise<ChildProcess> {
  const child = start(system, 'work');
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) if (line === 'ready') return child;
  throw new Error(`${system} ended before it was ready`);
}

async function runLoad(system: string): Promise<number> {
  const child = start(system, 'load');
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream }))
    return count / (JSON.parse(line) as { seconds: number }).seconds;
  throw new Error(`the load of ${system} failed`);
}

function installPackages(): string {
  const path = join(tmpdir(), 'sequent-bench-packages');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), '{}');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--prefix', path, ...PACKAGES], { stdio: 'inherit' });
  return path;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function readOptions(): { count: number; rounds: number } {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { count: text, rounds: text, help: { type: 'boolean' } } });
    if (values.help) end(HELP, 0);
    const whole = (given: string | undefined, otherwise: number): number => {
      const value = Number(given ?? otherwise);
      if (Number.isInteger(value) && value > 0) return value;
      throw new Error(`"${given}" is no whole number above 0`);
    };
    return { count: whole(values.count, 20_000), rounds: whole(values.rounds, 3) };
  } catch (error) {
    return end(`${(error as Error).message}; see npm run bench:compare -- --help`, 2);
  }
}

function end(line: string, code: number): never {
  process[code === 0 ? 'stdout' : 'stderr'].write(`${line}\n`);
  process.exit(code);
}
