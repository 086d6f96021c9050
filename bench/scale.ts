import { readFileSync } from 'node:fs';

/*
 * npm run bench:scale -- FILE [-- --replicated 3] [-- --bytes 1600]
 *
 * Reads what `npm run bench` printed, and computes what binds first: the core of the log, or the core of a read model. All other processes
 * can be multiplied. Prints the table of docs/scale.md.
 */

const option = (name: string, otherwise: number): number => {
  const index = process.argv.indexOf(`--${name}`);
  return index === -1 ? otherwise : Number(process.argv[index + 1]);
};
const [file = ''] = process.argv.slice(2);
/** The processor time of the server that leads a log with three replicas, relative to that of a single server (`npm run bench:cluster`). */
const replicated = option('replicated', 3);
const bytesOfInvocation = option('bytes', 1_600);
/** A core whose share is larger has no room for the next minute. */
const USABLE = 0.7;
const TEN_TIMES = 10;
/** Each of them stores every message, and takes about as much as the leader. */
const SERVERS = 3;

/** What an invocation takes of the processors, in microseconds. */
type Row = { title: string; server: number; main: number; projection: number; functions: number };

const rows = readFileSync(file, 'utf8').split('\n').flatMap(parseRow);
if (rows.length === 0) throw new Error(`${file} holds no row of "npm run bench", such as "product: single publishes … CPU µs each: …"`);
print([
  'workload',
  'log, roles, read model, functions: µs',
  'one server: invocations a second',
  'binds first',
  'processes of the other roles',
]);
for (const row of rows) print([row.title, costs(row), ...boundOf(row, 1)]);
process.stdout.write('\n');
print([
  'workload',
  'three replicas: invocations a second',
  'binds first',
  'processes',
  'ten times that: cells',
  'processes',
  'cores of all',
  'log a day, GB',
]);
for (const row of rows) {
  const [rate, what, processes] = boundOf(row, replicated);
  const tenfold = TEN_TIMES * rateOf(row, replicated);
  const cores = (tenfold * (SERVERS * row.server * replicated + row.main + row.projection + row.functions)) / 1e6 / USABLE;
  const perDay = (tenfold * bytesOfInvocation * 86_400) / 1e9;
  print([row.title, rate, what, processes, String(TEN_TIMES), inWords(Number(processes) * TEN_TIMES), inWords(cores), inWords(perDay)]);
}

function parseRow(line: string): Row[] {
  const [, title, costsInUs] = /^product: (.+?) +[\d,.]+\/s +CPU µs each: (.*)$/.exec(line) ?? [];
  if (title === undefined || costsInUs === undefined || title.startsWith('backlog')) return [];
  const cost = (name: string): number => Number(new RegExp(`\\b${name} (\\d+)`).exec(costsInUs)?.[1] ?? 0);
  return [{ title, server: cost('server'), main: cost('main'), projection: cost('projection'), functions: cost('functions') }];
}

function boundOf(row: Row, replicas: number): [string, string, string] {
  const what = row.server * replicas >= row.projection ? 'log' : 'read model';
  const rate = rateOf(row, replicas);
  return [inWords(rate), what, String(Math.ceil((rate * row.main) / 1e6 / USABLE))];
}

/** The log is one core of one server, and a read model one thread. */
function rateOf({ server, projection }: Row, replicas: number): number {
  return (USABLE * 1e6) / Math.max(server * replicas, projection);
}

function costs({ server, main, projection, functions }: Row): string {
  return [server, main, projection, functions].join(', ');
}

function inWords(count: number): string {
  return Math.round(Number(count.toPrecision(2))).toLocaleString('en');
}

function print(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
  if (cells[0] === 'workload') process.stdout.write(`|${cells.map(() => ' --- |').join('')}\n`);
}
