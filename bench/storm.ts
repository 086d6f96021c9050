import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { setup as buildOnce } from '#test/support/cli/processes/built-modules.ts';
import { runStorm } from '#test/support/cluster/storm.ts';

const HELP = `npm run storm -- [options]

Runs two processes of each role on a cluster of three nats-servers, and injects faults: partitions, pauses, kills, a rolling
restart, step-downs, black holes, slow routes. Then checks every acknowledged request, the replicas and the read models.

  --minutes <n>     how long faults are injected for each seed (1)
  --seed <n>        the seed of the order and the lengths of the faults (the time)
  --seeds <n>-<m>   several seeds, one after another
  --rate <n>        requests a second (150)
  --only <text>     only the faults whose name contains this text
  --keep            keeps the files of every storm: evidence.jsonl for "npm run judge", history.edn for Elle and Knossos
  --help

The nats-server is NATS_SERVER_BIN, or the first one in PATH.
Exit codes: 0 everything held, 1 something did not hold, 2 an option is invalid.`;

type Storms = { seeds: number[]; minutes: number; rate: number; only: string; keeps: boolean };

function readOptions(): Storms | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { minutes: text, seed: text, seeds: text, rate: text, only: text, keep: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help) return undefined;
  const positive = (given: string | undefined, otherwise: number): number => {
    const value = Number(given ?? otherwise);
    if (!(value > 0)) throw new Error(`"${given}" is no positive number`);
    return value;
  };
  const [from = 0, to = from] = (values.seeds ?? values.seed ?? `${Date.now() % 1_000_000}`).split('-').map((part) => positive(part, 0));
  return {
    seeds: Array.from({ length: to - from + 1 }, (_, index) => from + index),
    minutes: positive(values.minutes, 1),
    rate: positive(values.rate, 150),
    only: values.only ?? '',
    keeps: values.keep ?? false,
  };
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const { bin, version } = await ensureServer();
  // The roles run as users of the package run them. From the sources, each restart of a role takes seconds of both cores.
  const removeBuild = await buildOnce();
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  say(`nats-server ${version}`);
  let failed = 0;
  for (const seed of options.seeds) {
    const folder = await mkdtemp(join(tmpdir(), 'sequent-storm-'));
    const { problems } = await runStorm({
      seed,
      seconds: options.minutes * 60,
      perSecond: options.rate,
      only: options.only,
      bin,
      folder,
      say,
    });
    for (const problem of problems.slice(0, 50)) say(`  ${problem}`);
    if (problems.length > 0) failed++;
    if (problems.length === 0 && !options.keeps) await rm(folder, { recursive: true });
    else say(`  the files are kept in ${folder}`);
  }
  removeBuild();
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 2;
});
