import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { limitsInWords } from '#src/cli/print/flow-in-words.ts';
import { type Column, printList } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import { addWatch, type WatchOptions, watching } from '#src/cli/watch.ts';
import type { PoolKey, PoolState } from '#src/client/state/flow.ts';
import { poolsNamed, shownPool, tokenOfPool } from '#src/core/functions/pool-names.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

export function flowCommand(): Command {
  return new Command('flow')
    .description('The flow of a function limits its attempts over all workers: of the function, of each key, or of a pool of functions.')
    .addCommand(listCommand());
}

type ListOptions = WatchOptions & { keys: number };

function listCommand(): Command {
  const command = new Command('ls')
    .alias('list')
    .summary('list the pools, and the keys for which invocations wait')
    .description(
      'Lists the flows: how many attempts run, and how many wait for a slot, a rate or a debounce, of which functions, for which keys.',
    )
    .argument('[name]', 'only the pool of this function, or this pool')
    .option('--keys <count>', 'the maximum number of keys of each pool', parseWhole(0, 1_000), 20);
  return addWatch(command).addHelpText('after', examples).action(action<ListOptions>(list));
}

const examples = `
Examples:
  sequent flow ls
  sequent flow ls orders --keys 100
  sequent flow ls erp --watch
  sequent flow ls --json | jq '.[] | select(.waiting > 0)'

WAITING counts the invocations that wait for a slot, a rate or a debounce, and the messages in the queues of the functions. A key is listed below its pool.`;

async function list(call: Call<ListOptions>): Promise<typeof exitCodes.ok> {
  const [name] = call.args;
  const { keys } = call.options;
  const pools = name === undefined ? undefined : poolsNamed(parseFunctionName(name));
  await withClient(call.options, async ({ flow, clock }) => {
    await watching(call, async (shown) => {
      print(shown, await flow.pools({ keys, pools }), clock.now());
      return true;
    });
  });
  return exitCodes.ok;
}

function print(call: Call<ListOptions>, pools: readonly PoolState[], now: number): void {
  const name = ({ pool }: PoolState): string => tokenOfPool(pool);
  const empty = say('no function has a flow yet; try: sequent fn put <function> --file <file> --flow-concurrency 10');
  if (call.format !== 'table') return printList(call, { rows: pools, columns: [], name, toJson, empty });
  const rows = pools.flatMap((state) => [rowOf(state, now), ...state.keys.map((key) => rowOfKey(key, now)), ...restOf(state)]);
  printList(call, { rows, columns, name: (row) => row.name, empty });
}

type Row = { name: string; functions: string; limits: string; running: string; waiting: string; oldest: string };

const columns: Column<Row>[] = [
  { head: 'POOL', cell: ({ name }) => name },
  { head: 'RUNNING', cell: ({ running }) => running, align: 'right' },
  { head: 'WAITING', cell: ({ waiting }) => waiting, align: 'right' },
  { head: 'OLDEST', cell: ({ oldest }) => oldest, align: 'right' },
  { head: 'FUNCTIONS', cell: ({ functions }) => functions },
  { head: 'LIMITS', cell: ({ limits }) => limits },
];

function rowOf({ pool, functions, running, waiting, since }: PoolState, now: number): Row {
  const { isShared } = shownPool(pool);
  const limits = functions.map(({ name, flow }) => {
    const limit = flow === undefined ? say('no flow any more') : limitsInWords(flow);
    return functions.length > 1 ? `${name}: ${limit}` : limit;
  });
  return {
    name: isShared ? say('{pool} (pool)', { pool: tokenOfPool(pool) }) : tokenOfPool(pool),
    functions: functions.map(({ name }) => name).join(', '),
    limits: limits.join('; '),
    running: String(running),
    waiting: String(waiting),
    oldest: age(since, now),
  };
}

function rowOfKey({ key, running, waiting, since }: PoolKey, now: number): Row {
  const name = `  ${key === '' ? say('(no key)') : key}`;
  return { name, functions: '', limits: '', running: String(running), waiting: String(waiting), oldest: age(since, now) };
}

function restOf({ isCut }: PoolState): Row[] {
  return isCut ? [{ name: '  … (--keys)', functions: '', limits: '', running: '', waiting: '', oldest: '' }] : [];
}

const age = (since: number | undefined, now: number): string => (since === undefined ? '' : formatDuration(Math.max(0, now - since)));

function toJson({ pool, functions, running, waiting, since, keys, isCut }: PoolState) {
  return {
    pool: tokenOfPool(pool),
    isShared: shownPool(pool).isShared,
    functions,
    running,
    waiting,
    ...timeOf(since),
    keys: keys.map(({ since: first, nextAt: _, ...key }) => ({ ...key, ...timeOf(first) })),
    isCut,
  };
}

const timeOf = (since: number | undefined): { since?: string } => (since === undefined ? {} : { since: new Date(since).toISOString() });
