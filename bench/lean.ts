import { startTestServer } from '#test/support/nats/nats-server.ts';
import { type Load, openLoad } from './load/load.ts';
import { type BenchWorker, cpuOf, descendantsOf, memoryOf, startBenchWorker } from './measure/processes.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:lean [-- --quick] [-- --chains]
 *
 * Measures the throughput of one machine end to end: accepted, executed, outcome and result stored, result received by a subscriber.
 * Worker, scheduler and destinations share one process, client and subscriber another; the server is the third. Figures of different
 * runs are not comparable; the ratios within one run are.
 */

const isQuick = process.argv.includes('--quick');
/** Measures only the ratio of chains to single publishes. */
const isChainsOnly = process.argv.includes('--chains');
const scale = isQuick ? 0.6 : 4;
/** The number of comparisons of chains. Each has a new server and worker, because their state affects all rounds of one comparison. */
const COMPARISONS = isQuick ? 2 : 5;
const ROUNDS = isQuick ? 3 : 7;
const report = createReport();

if (isChainsOnly) {
  await compareChains();
  process.exit(report.print() ? 0 : 1);
}

await measure('100ms', async ({ load, worker, server }) => {
  // The first measurement is a warm-up, because a cold ceiling would improve every ratio.
  await load.rawCeiling(50_000);
  const ceiling = await load.rawCeiling(50_000 * scale);
  report.rate('raw ceiling: appends with an expected sequence', ceiling);
  await load.singles('echo-inline', 10_000);
  await load.singles('echo-process', 10_000);
  const storedBefore = await storedBytes(server.monitorUrl);
  const single = await measured('single publishes, inline host', () => load.singles('echo-inline', 30_000 * scale), 30_000 * scale, {
    worker,
    server,
  });
  report.figure(
    'bytes in the log per single invocation',
    ((await storedBytes(server.monitorUrl)) - storedBefore) / (30_000 * scale),
    'bytes',
  );
  const singleProcess = await measured(
    'single publishes, process host',
    () => load.singles('echo-process', 20_000 * scale),
    20_000 * scale,
    { worker, server },
  );
  const batch = await measured('client batches, inline host', () => load.batches('echo-inline', 60_000 * scale), 60_000 * scale, {
    worker,
    server,
  });
  const batchProcess = await measured('client batches, process host', () => load.batches('echo-process', 40_000 * scale), 40_000 * scale, {
    worker,
    server,
  });
  report.check('single publishes / ceiling', single / ceiling, { min: 0.09 });
  report.figure('single publishes, process host / ceiling', singleProcess / ceiling, '');
  report.check('batches, inline host / ceiling', batch / ceiling, { min: 0.2 });
  report.check('batches, process host / ceiling', batchProcess / ceiling, { min: 0.12 });
  for (const how of ['raw', 'client'] as const) {
    const latencies = await load.latencies('echo-inline', isQuick ? 300 : 2_000, 100, how);
    report.check(`latency at 100/s, ${how}: p50`, quantile(latencies, 0.5), { max: 3, unit: 'ms' });
    report.check(`latency at 100/s, ${how}: p99`, quantile(latencies, 0.99), { max: 20, unit: 'ms' });
  }
});

await compareChains();

// Uses a new server and worker, because memory of earlier loads would hide the growth.
await measure('100ms', async (bench) => {
  const { first, tenth, workerGrowth, brokerGrowth } = await endurance(bench);
  report.check('the tenth tenth of the singles / the first', tenth / first, { min: 0.85 });
  const memory = [
    { title: 'broker memory per 100,000 finished single invocations', bytes: brokerGrowth, max: 100 },
    { title: 'growth of the worker over the last nine tenths', bytes: workerGrowth, max: 40 },
  ];
  for (const { title, bytes, max } of memory) {
    // A short run mostly fills the caches of the server and the young generation of the worker.
    if (isQuick) report.figure(title, bytes / 1e6, 'MB');
    else report.check(title, bytes / 1e6, { max, unit: 'MB' });
  }
});

await measure('always', async ({ load, worker, server }) => {
  report.rate('raw ceiling, fsync always', await load.rawCeiling(10_000 * scale));
  await load.batches('echo-inline', 5_000);
  await measured('single publishes, inline host, fsync always', () => load.singles('echo-inline', 5_000 * scale), 5_000 * scale, {
    worker,
    server,
  });
  const batch = await measured(
    'client batches, inline host, fsync always',
    () => load.batches('echo-inline', 30_000 * scale),
    30_000 * scale,
    { worker, server },
  );
  await measured('client batches, process host, fsync always', () => load.batches('echo-process', 20_000 * scale), 20_000 * scale, {
    worker,
    server,
  });
  report.check('batches under always / batches at 100ms', batch / report.last('client batches, inline host'), { min: 0.6 });
});

process.exitCode = report.print() ? 0 : 1;

type Bench = { load: Load; worker: BenchWorker; server: { pid: number; monitorUrl: string } };

async function measure(fsync: '100ms' | 'always', run: (bench: Bench) => Promise<void>): Promise<void> {
  await using server = await startTestServer({ fsync });
  const worker = await startBenchWorker(server.url, fsync === 'always' ? { BENCH_RESULTS: 'memory' } : {});
  const load = await openLoad(server.url);
  await run({ load, worker, server });
  await load.close();
  await worker.stop();
}

/** Runs a load, and prints the processor time per invocation and process. */
async function measured(
  title: string,
  run: () => Promise<number>,
  count: number,
  { worker, server }: Omit<Bench, 'load'>,
): Promise<number> {
  const children = (): number => descendantsOf(worker.pid).reduce((sum, pid) => sum + cpuOf(pid), 0);
  const before = { worker: cpuOf(worker.pid), server: cpuOf(server.pid), load: cpuOf(process.pid), children: children() };
  const rate = await run();
  const spent = {
    worker: (cpuOf(worker.pid) - before.worker) / count,
    broker: (cpuOf(server.pid) - before.server) / count,
    client: (cpuOf(process.pid) - before.load) / count,
    functions: (children() - before.children) / count,
  };
  report.rate(title, rate, spent);
  return rate;
}

/** Measures singles and chains in turns, so that other load of the machine affects both. The result is the median ratio of the rounds. */
async function compareChains(): Promise<void> {
  const shares = { inline: [] as number[], process: [] as number[] };
  for (let comparison = 0; comparison < COMPARISONS; comparison++) {
    for (const host of ['inline', 'process'] as const)
      await measure('100ms', async (bench) => void shares[host].push(...(await sharesOf(host, bench))));
  }
  for (const host of ['inline', 'process'] as const) {
    const sorted = shares[host].sort((a, b) => a - b);
    report.check(`chains, ${host} host / single publishes`, quantile(sorted, 0.5), { min: 0.4 });
    report.figures(`  its quartiles over ${sorted.length} rounds`, [quantile(sorted, 0.25), quantile(sorted, 0.75)], '');
    report.figure(`  invocations in chains, ${host} host / single publishes`, 2 * quantile(sorted, 0.5), '');
  }
}

/** The ratio of each rate of chains to the preceding rate of singles. */
async function sharesOf(host: 'inline' | 'process', bench: Bench): Promise<number[]> {
  const { load } = bench;
  const count = (host === 'inline' ? 10_000 : 7_000) * Math.min(1, scale);
  await load.singles(`echo-${host}`, 10_000);
  await load.chains(`chain-${host}`, 5_000);
  const shares: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const single = () => load.singles(`echo-${host}`, 2 * count);
    const singleRate = await measured(`single publishes beside chains, ${host} host`, single, 2 * count, bench);
    const chain = () => load.chains(`chain-${host}`, count);
    shares.push((await measured(`chains of two functions, ${host} host`, chain, count, bench)) / singleRate);
  }
  return shares;
}

/** Ten rounds of singles on one growing log. The first round fills caches, so growth is counted from its end. */
async function endurance({
  load,
  worker,
  server,
}: Bench): Promise<{ first: number; tenth: number; workerGrowth: number; brokerGrowth: number }> {
  const count = isQuick ? 4_000 : 30_000;
  const rates: number[] = [];
  const workerMemory: number[] = [];
  const brokerMemory: number[] = [];
  for (let round = 0; round < 10; round++) {
    rates.push(await load.singles('echo-inline', count));
    workerMemory.push(await worker.memory());
    brokerMemory.push(memoryOf(server.pid));
  }
  report.figures('ten rounds of singles', rates, '/s');
  const workerGrowth = (workerMemory[9] ?? 0) - (workerMemory[0] ?? 0);
  const brokerGrowth = slopeOf(brokerMemory) * (100_000 / count);
  return { first: rates[0] ?? 0, tenth: rates[9] ?? 0, workerGrowth, brokerGrowth };
}

/** The growth per value by linear regression, so that the time of a garbage collection does not matter. */
function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  return values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0) / spread;
}

async function storedBytes(monitorUrl: string): Promise<number> {
  const answer = (await (await fetch(`${monitorUrl}/jsz`)).json()) as { store?: number; storage?: number };
  return answer.storage ?? answer.store ?? 0;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
