import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CountedProcess, openCountedProcess } from './measure/counted-process.ts';
import { ownTree, placeEarlierTree } from './measure/earlier-tree.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:nodejs-cost [-- --base 47289890~1] [-- --processes 5] [-- --turns 8] [-- --executions 3000]
 *
 * Compares the processor time that an execution of a function in Node.js takes, in the host and in the process of the function, with that in an
 * earlier tree. The default is the tree before functions had runtimes. Both trees take turns, the earlier one with two hosts: the ratio of these two
 * says what the measurement itself is worth. Every few turns new processes start, because the compiler of a process decides once.
 *
 * Ends with 1 when the present tree needs over 2 % more.
 */

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: '47289890~1' },
    processes: { type: 'string', default: '5' },
    turns: { type: 'string', default: '8' },
    executions: { type: 'string', default: '3000' },
  },
});
/** The processor time of an execution in microseconds: in the host, in the process of the function, and in both. */
type Cost = { host: number; process: number; all: number };
const executions = Number(values.executions);
const WARM_UP = 10_000;
const HOST = 'bench/load/executions.ts';
const base = placeEarlierTree(values.base, HOST);

const report = createReport();
const costs = { own: [] as Cost[], base: [] as Cost[], again: [] as Cost[] };
const kinds = ['own', 'base', 'again'] as const;
for (let index = 0; index < Number(values.processes); index++) {
  const hosts = { own: openHost(ownTree), base: openHost(base), again: openHost(base) };
  for (const kind of kinds) await hosts[kind].run(WARM_UP);
  for (let turn = 0; turn < Number(values.turns); turn++)
    for (const kind of turn % 2 === 0 ? kinds : kinds.toReversed()) costs[kind].push(await costOf(hosts[kind]));
  for (const kind of kinds) await hosts[kind].close();
}
for (const part of ['host', 'process'] as const) {
  report.figure(`now: processor time of an execution in the ${part}`, median(costs.own.map((cost) => cost[part])), 'µs');
  report.figure(`${values.base}: the same`, median(costs.base.map((cost) => cost[part])), 'µs');
}
const [now = 0, earlier = 0, again = 0] = kinds.map((kind) => median(costs[kind].map(({ all }) => all)));
report.figure('two hosts of the earlier tree, medians', again / earlier, '');
report.check('now / earlier, medians', (2 * now) / (earlier + again), { max: 1.02 });
process.exitCode = report.print() ? 0 : 1;

function openHost(tree: string): CountedProcess {
  return openCountedProcess(['--import', 'tsx', join(tree, HOST), join(ownTree, 'bench/load/echo.mjs')], tree);
}

async function costOf(host: CountedProcess): Promise<Cost> {
  const { own, below } = await host.run(executions);
  return { host: own, process: below, all: own + below };
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
