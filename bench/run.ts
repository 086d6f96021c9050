import { parseArgs } from 'node:util';
import { FSYNC_CHOICES, type Fsync } from '#src/main/nats-server/files.ts';
import { type Load, openFormLoad, type Workload } from './load/workloads.ts';
import { type Lasting, measureLasting, measureRest, type Rest } from './measure/lasting.ts';
import { BACKOFF_IN_MS, type FormName, type MeasuredForm, startForm } from './measure/measured-form.ts';
import { quiet } from './measure/quiet.ts';
import { createReport } from './measure/report.ts';

const HELP = `npm run bench -- [options]

Measures Sequent as npm start runs it (all roles, history and gateway included, functions in processes), from the request to the result that
a subscriber received. Each row has bursts, and the rate that lasts: a load of a minute, while somebody asks for a page of the history once a
second. Figures of different runs do not compare; the ratios of one run do.

  --seconds <n>    how long the load of a row lasts; 0 for bursts only (60)
  --rounds <n>     how many bursts each row has; the median counts (3)
  --scale <n>      the number of invocations of each burst, relative to the default (1)
  --backlog <n>    the invocations of the backlog; 0 for none (100000)
  --only <texts>   only the rows whose title contains one of these texts, such as retried,HTTP
  --fsync <modes>  100ms, always, default; several with commas (100ms,always)
  --lean           bursts also of the lean form: worker, scheduler and destinations only; the forms take turns
  --split <roles>  measure also the product with these roles in a process of their own, such as gateway,destinations
  --help

Further benchmarks: bench:lean, bench:compare, bench:drain, bench:http, bench:projection, bench:signing, bench:encryption, bench:isolation,
bench:commands.
Exit codes: 0 every bound holds, 1 a bound does not hold, 2 an option is invalid.`;

const options = readOptions();
const size = (count: number): number => Math.round(count * options.scale);
const burst = { functionName: 'flaky', retried: 0, outcomes: 1 } as const;
const workloads: Workload[] = [
  { ...burst, title: 'client batches', send: 'batches', count: size(20_000) },
  { ...burst, title: 'client batches, 10 % retried', send: 'batches', count: size(20_000), retried: 0.1 },
  { ...burst, title: 'single publishes', send: 'singles', count: size(10_000) },
  { ...burst, title: 'single publishes, 10 % retried', send: 'singles', count: size(10_000), retried: 0.1 },
  { ...burst, title: 'chains of two functions', send: 'singles', count: size(4_000), functionName: 'chain', outcomes: 2 },
  { ...burst, title: 'over HTTP', send: 'http', count: size(8_000) },
].filter(({ title }) => isChosen(title)) as Workload[];
const warmUps: Workload[] = [
  { ...burst, title: 'warm-up', send: 'singles', count: size(5_000) },
  ...workloads.filter(({ send, functionName }) => send === 'http' || functionName === 'chain'),
];

type Measured = {
  rate: number;
  /** For each invocation. */
  stored: number;
  delivered: number;
  cpu: Record<string, number>;
  results: number;
  lullInMs: number;
};

const report = createReport();
const forms: FormName[] = [
  'product',
  ...(options.split.length > 0 ? ['split' as const] : []),
  ...(options.hasLean ? ['lean' as const] : []),
];
const measured = new Map<string, Measured[]>();
const lastingRates = new Map<string, number>();
/** The most processor time of an invocation of `npm start` in microseconds, until every role has read the log. */
const MOST_CPU_IN_US: Readonly<Record<string, number>> = { 'client batches': 110, 'single publishes': 280 };
/** The longest latency at 100 invocations a second in milliseconds. With `always`, each of four appends waits for the disk. */
const MOST_LATENCY_IN_MS = { '100ms': { p50: 2.2, p99: 6.5 }, always: { p50: 2.5, p99: 10 }, default: { p50: 2.2, p99: 6.5 } } as const;
for (const fsync of options.fsync) await measureAll(fsync);
process.exitCode = report.print() ? 0 : 1;

async function measureAll(fsync: Fsync): Promise<void> {
  report.say(`\nfsync ${fsync}`);
  measured.clear();
  lastingRates.clear();
  const opened = await Promise.all(forms.map((name) => open(name, fsync)));
  // The first work of a kind starts processes of its functions and runs code that is not optimized yet.
  for (const workload of warmUps) for (const { form, load } of thatTake(workload, opened)) await measureOne(load, form, workload);
  const { load, form } = opened[0] as Opened;
  for (const workload of workloads) {
    await measureBursts(opened, workload);
    if (options.seconds === 0) continue;
    const lasting = await measureLasting(load, form, workload, options.seconds);
    lastingRates.set(workload.title, lasting.rate);
    printLasting(workload, { ...lasting, rest: await measureRest(form), fsync });
  }
  if (isChosen('latency at 100/s')) await measureLatency(load, fsync);
  if (options.backlog > 0 && isChosen('backlog')) await measureBacklog(load, form);
  for (const one of opened) {
    await one.load.close();
    await one.form[Symbol.asyncDispose]();
  }
  checkRatios();
}

type Opened = { name: FormName; form: MeasuredForm; load: Load };

async function open(name: FormName, fsync: Fsync): Promise<Opened> {
  const form = await startForm(name, fsync, name === 'split' ? options.split : []);
  return { name, form, load: await openFormLoad(form) };
}

function thatTake({ send }: Workload, opened: readonly Opened[]): Opened[] {
  return opened.filter(({ form }) => send !== 'http' || form.http !== undefined);
}

async function measureBursts(opened: readonly Opened[], workload: Workload): Promise<void> {
  for (let round = 0; round < options.rounds; round++) {
    for (const { name, load, form } of thatTake(workload, opened)) {
      const key = `${name}: ${workload.title}`;
      measured.set(key, [...(measured.get(key) ?? []), await measureOne(load, form, workload)]);
    }
  }
  for (const { name } of opened) printRow(name, workload);
}

async function measureOne(load: Load, form: Pick<MeasuredForm, 'counts'>, workload: Workload): Promise<Measured> {
  const { arrivals } = load;
  const { count, outcomes } = workload;
  const before = await form.counts();
  arrivals.reset(count * outcomes, { backoffInMs: workload.retried > 0 ? BACKOFF_IN_MS : 0 });
  await Promise.all([load.send(workload), arrivals.all()]);
  const rate = arrivals.rate(0, 1) / outcomes;
  const lullInMs = arrivals.longestLullInMs;
  await quiet(form);
  const after = await form.counts();
  const cpu = Object.entries(after.cpu).map(([role, us]) => [role, (us - (before.cpu[role] ?? 0)) / count]);
  return {
    rate,
    stored: (after.stored - before.stored) / count,
    delivered: (after.delivered - before.delivered) / count,
    cpu: Object.fromEntries(cpu),
    results: arrivals.published / arrivals.outcomes,
    lullInMs,
  };
}

function printRow(name: FormName, { title }: Workload): void {
  const rounds = measured.get(`${name}: ${title}`) ?? [];
  if (rounds.length === 0) return;
  const cpu = Object.keys(rounds[0]?.cpu ?? {}).map((role) => [role, medianOf(rounds, (round) => round.cpu[role] ?? 0)]);
  report.rate(
    `${name}: ${title}`,
    medianOf(rounds, ({ rate }) => rate),
    Object.fromEntries(cpu),
  );
  report.figures(
    '  messages stored and delivered for each',
    [medianOf(rounds, (one) => one.stored), medianOf(rounds, (one) => one.delivered)],
    '',
  );
  report.check(`  ${name}: ${title}: results published / outcomes`, Math.max(...rounds.map(({ results }) => results)), { max: 1.001 });
  report.check(
    `  ${name}: ${title}: longest lull, median`,
    medianOf(rounds, ({ lullInMs }) => lullInMs),
    { max: 100, unit: 'ms' },
  );
}

function printLasting({ title }: Workload, lasting: Lasting & { rest: Rest; fsync: Fsync }): void {
  const { rate, cpu, rest, fsync } = lasting;
  const all = Object.values(cpu).reduce((sum, us) => sum + us, 0);
  report.rate(`product, lasting: ${title}`, rate, { all, ...cpu });
  report.figure('  invocations per second of processor time', 1e6 / all, '');
  const mostCpu = fsync === '100ms' ? MOST_CPU_IN_US[title] : undefined;
  if (mostCpu !== undefined) report.check(`  ${title}: processor time of each until idle`, all, { max: mostCpu, unit: 'µs' });
  const burst = medianOf(measured.get(`product: ${title}`) ?? [], (one) => one.rate);
  report.check(`  ${title}: lasting / burst`, rate / burst, { min: 0.85 });
  report.check(`  ${title}: read model behind at worst`, lasting.behindAtWorstInMs / 1_000, { max: 1, unit: 's' });
  report.figure('  read model behind at the end', lasting.behindAtEndInMs / 1_000, 's');
  report.figure('  slowest page of the history', lasting.slowestPageInMs, 'ms');
  report.figure('  longest lull', lasting.lullInMs, 'ms');
  report.check(`  ${title}: memory at the end of the load`, lasting.memory, { max: 700, unit: 'MB' });
  report.figure('  memory after ten seconds of rest', rest.memory, 'MB');
  report.check(`  ${title}: processor time at rest, of one core`, rest.idle, { max: 0.03 });
}

async function measureLatency(load: Load, fsync: Fsync): Promise<void> {
  const { p50, p99 } = MOST_LATENCY_IN_MS[fsync];
  const times = await load.latencies('flaky', size(500), 100);
  const quantile = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  report.check('product: latency at 100/s, p50', quantile(0.5), { max: p50, unit: 'ms' });
  report.check('product: latency at 100/s, p99', quantile(0.99), { max: p99, unit: 'ms' });
}

function isChosen(title: string): boolean {
  return options.only.some((text) => title.includes(text));
}

/** The function is paused until everything is queued. */
async function measureBacklog(load: Load, form: MeasuredForm): Promise<void> {
  const { arrivals } = load;
  const { definition } = await form.client.functions.get('flaky');
  await form.client.functions.put({ ...definition, paused: true });
  await load.send({ ...burst, title: 'backlog', send: 'singles', count: options.backlog });
  const before = await form.counts();
  arrivals.reset(options.backlog);
  await form.client.functions.put({ ...definition, paused: false });
  await arrivals.all();
  const after = await form.counts();
  const cpu = Object.entries(after.cpu).map(([role, us]) => [role, (us - (before.cpu[role] ?? 0)) / options.backlog]);
  report.rate(`product: backlog of ${options.backlog} single publishes`, arrivals.rate(0, 1), Object.fromEntries(cpu));
  report.check('  product: backlog: last tenth / first tenth', arrivals.rate(0.9, 1) / arrivals.rate(0, 0.1), { min: 0.8 });
  report.check('  product: backlog: results published / outcomes', arrivals.published / arrivals.outcomes, { max: 1.001 });
  report.figure('  longest lull', arrivals.longestLullInMs, 'ms');
}

/** The ratios that must hold between two rows of one run: medians of the ratios of the rounds. */
function checkRatios(): void {
  const ratio = (title: string, one: string, other: string, min?: number): void => {
    const [ones, others] = [measured.get(one), measured.get(other)];
    if (ones === undefined || others === undefined) return;
    const ratios = ones.map(({ rate }, round) => rate / (others[round]?.rate ?? Number.NaN));
    const median = [...ratios].sort((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? Number.NaN;
    if (min === undefined) report.figure(title, median, '');
    else report.check(title, median, { min });
  };
  for (const { title } of workloads) ratio(`product / lean: ${title}`, `product: ${title}`, `lean: ${title}`, 0.8);
  for (const { title } of workloads) ratio(`split / product: ${title}`, `split: ${title}`, `product: ${title}`);
  for (const title of ['client batches', 'single publishes']) {
    ratio(`product, 10 % retried / without: ${title}`, `product: ${title}, 10 % retried`, `product: ${title}`, 0.75);
    const [retried, without] = [lastingRates.get(`${title}, 10 % retried`), lastingRates.get(title)];
    if (retried === undefined || without === undefined) continue;
    report.check(`product, 10 % retried / without, lasting: ${title}`, retried / without, { min: 0.75 });
  }
  ratio('product, chains / single publishes', 'product: chains of two functions', 'product: single publishes', 0.4);
  ratio('product, over HTTP / single publishes', 'product: over HTTP', 'product: single publishes', 0.8);
}

function medianOf(rounds: readonly Measured[], value: (round: Measured) => number): number {
  return rounds.map(value).sort((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN;
}

function readOptions() {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const { values } = parseArgs({
      options: { seconds: text, rounds: text, scale: text, backlog: text, only: text, fsync: text, split: text, lean: flag, help: flag },
    });
    if (values.help) end(HELP, 0);
    const number = (given: string | undefined, otherwise: number): number => {
      const value = Number(given ?? otherwise);
      if (!(value >= 0)) throw new Error(`"${given}" is no number`);
      return value;
    };
    return {
      seconds: number(values.seconds, 60),
      rounds: Math.max(1, number(values.rounds, 3)),
      scale: number(values.scale, 1),
      backlog: number(values.backlog, 100_000),
      only: (values.only ?? '').split(','),
      fsync: (values.fsync ?? '100ms,always').split(',').map(fsyncOf),
      split: values.split?.split(',') ?? [],
      hasLean: values.lean ?? false,
    };
  } catch (error) {
    return end(`${(error as Error).message}; see npm run bench -- --help`, 2);
  }
}

function fsyncOf(given: string): Fsync {
  const mode = FSYNC_CHOICES.find((choice) => choice === given);
  if (mode === undefined) throw new Error(`"${given}" is none of ${FSYNC_CHOICES.join(', ')}`);
  return mode;
}

function end(line: string, code: number): never {
  process[code === 0 ? 'stdout' : 'stderr'].write(`${line}\n`);
  process.exit(code);
}
