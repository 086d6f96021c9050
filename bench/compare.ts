import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Contestant, contestantOf, type LastingRate, startSequent } from './compare/contestant.ts';
import { nodeOfPeers, startPeer } from './compare/peer.ts';
import type { PeerServer, ServerKind } from './compare/server.ts';
import { missingAmong, type SequentForm, type System, systems } from './compare/systems.ts';
import { createReport } from './measure/report.ts';

const HELP = `npm run bench:compare -- [options]

Runs the same work by Sequent as npm start runs it, and by other systems as their documents advise: 200 bytes each, accepted durably, executed
(nothing is done, nothing returned), completed durably, and the completion seen. Each system has a load that lasts, with a question about ended work
once a second if the system keeps ended work, and a burst. The systems take turns, and stand still between them. Only the ratios count.

${systems.map(({ title, server }) => `  ${title.padEnd(33)}  apt-get install ${server.apt}`).join('\n')}

  --seconds <n>   how long a load lasts; 0 for bursts only (60)
  --count <n>     invocations of each burst; 0 for none (20000)
  --rounds <n>    (3)
  --only <texts>  only the systems whose name contains one of these texts, such as BullMQ,RabbitMQ
  --help

The packages of npm are installed into the folder for temporary files, not into this project. Their programs run on the present Node, or on the newest
of the LTS line when the present one is older than Node 24. A system whose server is missing is left out.
Exit codes: 0 every bound holds, 1 a bound does not hold or no other system could be measured, 2 an option is invalid.`;

/** The seconds of a load in the warm-up. */
const WARM_UP_IN_SECONDS = 5;
const FORMS: readonly SequentForm[] = ['batches', 'singles', 'chains', 'batches, always', 'singles, always'];
const options = readOptions();
const wanted = systems.filter(({ title }) => options.only.some((text) => title.includes(text)));
const missing = missingAmong(wanted);
const measured = wanted.filter((system) => !missing.systems.includes(system));
if (missing.apt.length > 0) {
  const titles = missing.systems.map(({ title }) => title).join('; ');
  process.stdout.write(`left out, because a server is missing: ${titles}\ninstall: apt-get install ${missing.apt.join(' ')}\n`);
}
if (measured.length === 0) end('no other system can be measured', 1);

type Measured = { lasting: LastingRate[]; bursts: number[]; p99s: number[] };

const report = createReport();
const found = new Map<Contestant, Measured>();
const opened: AsyncDisposable[] = [];
const forms = new Map<SequentForm, Contestant>();
const peers = new Map<System, Contestant>();
try {
  await run();
} finally {
  for (const one of opened.reverse()) await one[Symbol.asyncDispose]();
}
printTable();
printRatios();
process.exitCode = report.print() ? 0 : 1;

async function run(): Promise<void> {
  const node = nodeOfPeers();
  report.say(`Node ${process.version}; the other systems: ${execFileSync(node, ['--version'], { encoding: 'utf8' })}`);
  const needed = FORMS.filter((form) => measured.some(({ versus }) => form in versus));
  for (const fsync of ['100ms', 'always'] as const) {
    const ofServer = needed.filter((form) => form.endsWith(', always') === (fsync === 'always'));
    if (ofServer.length === 0) continue;
    for (const [form, contestant] of keep(await startSequent(fsync, ofServer)).contestants) forms.set(form, contestant);
  }
  await startPeers(node);
  const all = [...forms.values(), ...peers.values()];
  for (const contestant of all) await measure(contestant, WARM_UP_IN_SECONDS);
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of all) note(contestant, await measure(contestant, options.seconds));
    await measureLatencies();
  }
}

async function measure(contestant: Contestant, seconds: number): Promise<Omit<Measured, 'p99s'>> {
  return {
    lasting: seconds > 0 ? [await contestant.lasting(seconds)] : [],
    bursts: options.count > 0 ? [await contestant.burst(options.count)] : [],
  };
}

function note(contestant: Contestant, { lasting, bursts }: Omit<Measured, 'p99s'>): void {
  const before = measuredOf(contestant);
  found.set(contestant, { ...before, lasting: [...before.lasting, ...lasting], bursts: [...before.bursts, ...bursts] });
  for (const { rate, cpuInUs } of lasting) report.rate(`  ${contestant.title}, lasting`, rate, { 'server and workers': cpuInUs });
  for (const rate of bursts) report.rate(`  ${contestant.title}, burst`, rate);
}

async function measureLatencies(): Promise<void> {
  const sequent = forms.get('batches');
  const compared = [...peers].filter(([{ hasLatency }]) => hasLatency).map(([, contestant]) => contestant);
  if (compared.length === 0 || sequent === undefined) return;
  for (const contestant of [sequent, ...compared]) {
    const times = await contestant.latencies();
    const before = measuredOf(contestant);
    found.set(contestant, { ...before, p99s: [...before.p99s, times[Math.floor(times.length * 0.99)] ?? Number.NaN] });
  }
}

async function startPeers(node: string): Promise<void> {
  const folder = installPackages();
  const servers = new Map<ServerKind, PeerServer>();
  for (const system of measured) {
    const { server: kind } = system;
    const server = servers.get(kind) ?? keep(await kind.start(kind.find() ?? ''));
    servers.set(kind, server);
    peers.set(system, contestantOf(system, keep(await startPeer(system, { server, folder, node }))));
  }
}

function installPackages(): string {
  const path = join(tmpdir(), 'sequent-bench-packages');
  const packages = [...new Set(measured.flatMap((system) => system.packages))];
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), '{}');
  if (packages.length > 0)
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--prefix', path, ...packages], { stdio: 'inherit' });
  return path;
}

/** What each system keeps and promises, beside its rates: medians of the rounds. */
function printTable(): void {
  const row = (cells: readonly string[]): void =>
    report.say(cells.map((cell, i) => (i === 0 ? cell.padEnd(35) : cell.padStart(17))).join(' '));
  const whole = (value: number): string => (Number.isNaN(value) ? '' : Math.round(value).toLocaleString('en'));
  const inMs = (value: number): string => (value > 0 ? `${whole(value)} ms` : '');
  report.say('\nmedians:');
  row([
    '',
    'lasting /s',
    'burst /s',
    'per core-second',
    'keeps history',
    'fsync before ack',
    'slowest answer',
    'behind at worst',
    'longest lull',
  ]);
  for (const [{ title, history, syncs }, { lasting, bursts }] of found) {
    const of = (value: (one: LastingRate) => number): number => median(lasting.map(value));
    row([
      title,
      whole(of(({ rate }) => rate)),
      whole(median(bursts)),
      whole(1e6 / of(({ cpuInUs }) => cpuInUs)),
      history,
      syncs ? 'yes' : 'no',
      inMs(of(({ slowestAnswerInMs }) => slowestAnswerInMs)),
      inMs(of(({ behindInMs }) => behindInMs)),
      inMs(of(({ lullInMs }) => lullInMs)),
    ]);
  }
  report.say('');
}

function printRatios(): void {
  for (const [{ title, versus, hasLatency }, peer] of peers) {
    for (const [form, sequent] of forms) if (form in versus) printRatio(`${form}: Sequent / ${title}`, [sequent, peer], versus[form]);
    const sequent = forms.get('batches');
    if (!hasLatency || sequent === undefined) continue;
    report.figure('latency at 100/s, p99: Sequent', median(measuredOf(sequent).p99s), 'ms');
    report.figure(`latency at 100/s, p99: ${title}`, median(measuredOf(peer).p99s), 'ms');
    report.check(`p99 at 100/s: Sequent / ${title}`, median(ratios([sequent, peer], ({ p99s }) => p99s)), { max: 1 });
  }
}

/** A bound holds for the lasting rates. The rate of bursts is a figure without a bound, unless there is no lasting rate. */
function printRatio(line: string, both: readonly [Contestant, Contestant], min: number | undefined): void {
  const lasting = ratios(both, (one) => one.lasting.map(({ rate }) => rate));
  const bursts = ratios(both, (one) => one.bursts);
  const bound = median(lasting.length > 0 ? lasting : bursts);
  if (min === undefined) report.figure(line, bound, '');
  else report.check(line, bound, { min });
  if (lasting.length > 0 && bursts.length > 0) report.figure(`  ${line}, burst`, median(bursts), '');
}

function ratios([one, other]: readonly [Contestant, Contestant], valuesOf: (measured: Measured) => readonly number[]): number[] {
  const others = valuesOf(measuredOf(other));
  return valuesOf(measuredOf(one)).map((value, round) => value / (others[round] ?? Number.NaN));
}

function measuredOf(contestant: Contestant): Measured {
  return found.get(contestant) ?? { lasting: [], bursts: [], p99s: [] };
}

function keep<Opened extends AsyncDisposable>(one: Opened): Opened {
  opened.push(one);
  return one;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function readOptions(): { seconds: number; count: number; rounds: number; only: readonly string[] } {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { seconds: text, count: text, rounds: text, only: text, help: { type: 'boolean' } } });
    if (values.help) end(HELP, 0);
    const whole = (given: string | undefined, otherwise: number, min: number): number => {
      const value = Number(given ?? otherwise);
      if (Number.isInteger(value) && value >= min) return value;
      throw new Error(`"${given}" is no whole number from ${min} on`);
    };
    const { seconds, count, rounds, only } = values;
    const read = {
      seconds: whole(seconds, 60, 0),
      count: whole(count, 20_000, 0),
      rounds: whole(rounds, 3, 1),
      only: (only ?? '').split(','),
    };
    if (read.seconds === 0 && read.count === 0)
      throw new Error('without a load that lasts and without a burst, there is nothing to measure');
    return read;
  } catch (error) {
    return end(`${(error as Error).message}; see npm run bench:compare -- --help`, 2);
  }
}

function end(line: string, code: number): never {
  process[code === 0 ? 'stdout' : 'stderr'].write(`${line}\n`);
  process.exit(code);
}
