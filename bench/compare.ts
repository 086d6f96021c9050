import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Peer, startPeer } from './compare/peer.ts';
import type { PeerServer, ServerKind } from './compare/server.ts';
import { missingAmong, type System, systems } from './compare/systems.ts';
import { type Load, openFormLoad, type Workload } from './load/workloads.ts';
import { startForm } from './measure/measured-form.ts';
import { cpuOfTree } from './measure/processes.ts';
import { quiet } from './measure/quiet.ts';
import { createReport } from './measure/report.ts';

const HELP = `npm run bench:compare -- [options]

Runs the same work by Sequent as npm start runs it, and by other systems: 200 bytes each, accepted durably, executed (nothing is done, nothing
returned), completed durably, and the completion seen. The systems take turns, and stand still between them. Only the ratios count.

${systems.map(({ title, server }) => `  ${title.padEnd(33)}  apt-get install ${server.apt}`).join('\n')}

  --count <n>     invocations of each round (20000)
  --rounds <n>    (3)
  --only <texts>  only the systems whose name contains one of these texts, such as BullMQ,RabbitMQ
  --help

The packages of npm are installed into the folder for temporary files, not into this project. A system whose server is missing is left out.
Exit codes: 0 every bound holds, 1 a bound does not hold or no other system could be measured, 2 an option is invalid.`;

/** What Sequent does in the comparison, by what the other systems are compared with. */
const SEQUENT: Readonly<Record<System['versus'], Omit<Workload, 'count' | 'retried'>>> = {
  batches: { title: 'Sequent, npm start, client batches', send: 'batches', functionName: 'noop', outcomes: 1 },
  singles: { title: 'Sequent, npm start, single publishes', send: 'singles', functionName: 'noop', outcomes: 1 },
  chains: { title: 'Sequent, npm start, chains of two', send: 'singles', functionName: 'chain', outcomes: 2 },
};
const options = readOptions();
const wanted = systems.filter(({ title }) => options.only.some((text) => title.includes(text)));
const missing = missingAmong(wanted);
const measured = wanted.filter((system) => !missing.systems.includes(system));
if (missing.apt.length > 0) {
  const titles = missing.systems.map(({ title }) => title).join('; ');
  process.stdout.write(`left out, because a server is missing: ${titles}\ninstall: apt-get install ${missing.apt.join(' ')}\n`);
}
if (measured.length === 0) end('no other system can be measured', 1);

const report = createReport();
const rates = new Map<string, number[]>();
const p99s = new Map<string, number[]>();
const opened: AsyncDisposable[] = [];
try {
  await run();
} finally {
  for (const one of opened.reverse()) await one[Symbol.asyncDispose]();
}
printRatios();
process.exitCode = report.print() ? 0 : 1;

async function run(): Promise<void> {
  const form = keep(await startForm('product', '100ms'));
  const load = await openFormLoad(form);
  opened.push({ [Symbol.asyncDispose]: () => load.close() });
  const peers = await startPeers();
  // The first round is a warm-up.
  for (let round = 0; round <= options.rounds; round++) {
    for (const versus of ['batches', 'singles', 'chains'] as const) {
      if (!measured.some((system) => system.versus === versus)) continue;
      const cpu = (): number => cpuOfTree(form.pid) + cpuOfTree(form.serverPid);
      const burst = { run: () => sequent(load, versus), rest: () => quiet(form) };
      await measure(SEQUENT[versus].title, round, cpu, burst);
    }
    for (const [{ title }, peer] of peers) await measure(title, round, peer.cpu, { run: async () => options.count / (await peer.burst()) });
    await measureLatencies(load, peers, round);
  }
}

/** `rest`: what the system does after the burst, which must not take processor time from the next system. */
type Burst = { run(): Promise<number>; rest?(): Promise<void> };

async function measure(title: string, round: number, spent: () => number, { run: runBurst, rest }: Burst): Promise<void> {
  const before = spent();
  const rate = await runBurst();
  await rest?.();
  if (round === 0) return;
  note(rates, title, rate);
  report.rate(`  ${title}`, rate, { 'server and workers': (spent() - before) / options.count });
}

async function measureLatencies(load: Load, peers: ReadonlyMap<System, Peer>, round: number): Promise<void> {
  const compared = [...peers].filter(([{ hasLatency }]) => hasLatency);
  if (compared.length === 0) return;
  const p99 = (times: readonly number[]): number => times[Math.floor(times.length * 0.99)] ?? Number.NaN;
  const found: [title: string, p99: number][] = [[SEQUENT.singles.title, p99(await load.latencies('noop', 300, 100))]];
  for (const [{ title }, peer] of compared) found.push([title, p99(await peer.latencies())]);
  if (round > 0) for (const [title, time] of found) note(p99s, title, time);
}

async function sequent(load: Load, versus: System['versus']): Promise<number> {
  const workload: Workload = { ...SEQUENT[versus], count: options.count, retried: 0 };
  load.arrivals.reset(workload.count * workload.outcomes);
  await Promise.all([load.send(workload), load.arrivals.all()]);
  return load.arrivals.rate(0, 1) / workload.outcomes;
}

async function startPeers(): Promise<ReadonlyMap<System, Peer>> {
  const folder = installPackages();
  const servers = new Map<ServerKind, PeerServer>();
  const peers = new Map<System, Peer>();
  for (const system of measured) {
    const { server: kind } = system;
    const server = servers.get(kind) ?? keep(await kind.start(kind.find() ?? ''));
    servers.set(kind, server);
    peers.set(system, keep(await startPeer(system, { server, folder, count: options.count })));
  }
  return peers;
}

function installPackages(): string {
  const path = join(tmpdir(), 'sequent-bench-packages');
  const packages = measured.flatMap((system) => system.packages);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), '{}');
  if (packages.length > 0)
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--prefix', path, ...packages], { stdio: 'inherit' });
  return path;
}

function printRatios(): void {
  for (const [title, found] of rates) report.rate(title, median(found));
  for (const { title, versus, bounds } of measured) {
    const ratio = median(ratios(rates, SEQUENT[versus].title, title));
    const line = `${versus}: Sequent / ${title}`;
    if (bounds.length === 0) report.figure(line, ratio, '');
    for (const min of bounds) report.check(line, ratio, { min });
  }
  for (const [title, found] of p99s) report.figure(`latency at 100/s, p99: ${title}`, median(found), 'ms');
  for (const { title } of measured.filter(({ hasLatency }) => hasLatency))
    report.check(`p99 at 100/s: Sequent / ${title}`, median(ratios(p99s, SEQUENT.singles.title, title)), { max: 1 });
}

function ratios(found: ReadonlyMap<string, readonly number[]>, one: string, other: string): number[] {
  return (found.get(one) ?? []).map((value, round) => value / (found.get(other)?.[round] ?? Number.NaN));
}

function note(found: Map<string, number[]>, title: string, value: number): void {
  found.set(title, [...(found.get(title) ?? []), value]);
}

function keep<Opened extends AsyncDisposable>(one: Opened): Opened {
  opened.push(one);
  return one;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function readOptions(): { count: number; rounds: number; only: readonly string[] } {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { count: text, rounds: text, only: text, help: { type: 'boolean' } } });
    if (values.help) end(HELP, 0);
    const whole = (given: string | undefined, otherwise: number): number => {
      const value = Number(given ?? otherwise);
      if (Number.isInteger(value) && value > 0) return value;
      throw new Error(`"${given}" is no whole number above 0`);
    };
    return { count: whole(values.count, 20_000), rounds: whole(values.rounds, 3), only: (values.only ?? '').split(',') };
  } catch (error) {
    return end(`${(error as Error).message}; see npm run bench:compare -- --help`, 2);
  }
}

function end(line: string, code: number): never {
  process[code === 0 ? 'stdout' : 'stderr'].write(`${line}\n`);
  process.exit(code);
}
