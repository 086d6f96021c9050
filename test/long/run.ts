import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { commands } from './commands.ts';
import { hasFailed, runCommands, tableOf } from './run-commands.ts';

const HELP = `npm run long -- [options]

Runs the long form of the checks, one command after another: full sizes of kills, all mutations, a new seed, the newest versions, the benchmarks
with bounds. It goes on after a failure, keeps the output of each command that failed, and prints a table at the end. It takes many hours.

  --only NAME,NAME  only these commands
  --seed N          the seed of all choices (the time), which the first line and the last one name
  --list            prints the names, the commands, and what each proves
  --help

Exit codes: 0 everything held, 1 a command failed or did not run, 2 an option is invalid.`;

// A reader of the output that ends, such as `head`, does not end the run.
process.stdout.on('error', () => {});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seed: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  if (!(Number.isSafeInteger(seed) && seed > 0)) throw new Error(`--seed ${values.seed} is not a number from 1 on`);
  const names = values.only?.split(',') ?? commands.map(({ name }) => name);
  const unknown = names.find((name) => !commands.some((one) => one.name === name));
  if (unknown !== undefined) throw new Error(`there is no command "${unknown}": npm run long -- --list`);
  return { ...values, seed, chosen: commands.filter(({ name }) => names.includes(name)) };
}

async function main(): Promise<number> {
  const { seed, chosen, list, help } = readOptions();
  if (help) say(HELP);
  else if (list) for (const { name, command, proves } of chosen) say(`${name}\n  ${command}\n  ${proves}`);
  if (help || list) return 0;
  const folder = mkdtempSync(join(tmpdir(), 'sequent-long-'));
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());
  say(`seed ${seed}, outputs in ${folder}`);
  const outcomes = await runCommands(chosen, {
    seed,
    folder,
    say,
    cwd: new URL('../..', import.meta.url).pathname,
    signal: stopping.signal,
  });
  for (const line of tableOf(outcomes)) say(line);
  const isFailed = hasFailed(outcomes);
  if (!isFailed) rmdirSync(folder);
  say(isFailed ? `seed ${seed}, the outputs of what failed are in ${folder}` : `seed ${seed}, everything held`);
  return isFailed ? 1 : 0;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}\n`);
  return 2;
});
