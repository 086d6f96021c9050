import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openFormLoad } from './load/workloads.ts';
import { type CountedProcess, openCountedProcess } from './measure/counted-process.ts';
import { ownTree, placeEarlierTree } from './measure/earlier-tree.ts';
import { startForm } from './measure/measured-form.ts';
import { quiet } from './measure/quiet.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:projection-cost [-- --base HEAD] [-- --rounds 5] [-- --seconds 10]
 *
 * Compares the processor time of the projection for a batched and for a single invocation between this tree and an earlier one. It records the log
 * of a lasting load with 8,000 open invocations. Both trees replay this log in turns, each in a process of its own.
 */

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: 'HEAD' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
  },
});
const REPLAYS = 'bench/load/replays.ts';
const MAX_OPEN = 8_000;
const base = placeEarlierTree(values.base, REPLAYS);
const report = createReport();
await measure('batches', { title: 'a batched invocation', max: 25 });
await measure('singles', { title: 'a single invocation', max: 50 });
process.exitCode = report.print() ? 0 : 1;

async function measure(send: 'batches' | 'singles', { title, max }: { title: string; max: number }): Promise<void> {
  await using form = await startForm('lean', '100ms');
  const load = await openFormLoad(form);
  const workload = { title, send, functionName: 'noop' as const, count: 0, retried: 0, outcomes: 1 };
  load.arrivals.reset(Number.POSITIVE_INFINITY);
  const until = performance.now() + Number(values.seconds) * 1_000;
  const count = await load.sendUntil(workload, until, (sent) => sent - load.arrivals.outcomes < MAX_OPEN);
  await load.arrivals.reach(count);
  await quiet(form);
  const replays = { now: openReplays(ownTree, form.url), earlier: openReplays(base, form.url) };
  const costs = { now: [] as number[], earlier: [] as number[] };
  for (let round = 0; round <= Number(values.rounds); round++)
    for (const tree of round % 2 === 0 ? (['now', 'earlier'] as const) : (['earlier', 'now'] as const)) {
      const { own } = await replays[tree].run(count);
      // In its first replay, the code is not optimized yet.
      if (round > 0) costs[tree].push(own);
    }
  await replays.now.close();
  await replays.earlier.close();
  await load.close();
  report.check(`processor time of ${title}`, median(costs.now), { max, unit: 'µs' });
  report.figure(`${values.base}: the same`, median(costs.earlier), 'µs');
  report.figure('now / earlier', median(costs.now) / median(costs.earlier), '');
}

function openReplays(tree: string, url: string): CountedProcess {
  return openCountedProcess(['--import', 'tsx', join(tree, REPLAYS), url], tree);
}

function median(costs: readonly number[]): number {
  return [...costs].sort((one, other) => one - other)[Math.floor(costs.length / 2)] ?? Number.NaN;
}
