import { openFormLoad, type Workload } from './load/workloads.ts';
import { measureLasting } from './measure/lasting.ts';
import { startForm } from './measure/measured-form.ts';
import { byKind, ownMemoryOf } from './measure/processes.ts';
import { quiet } from './measure/quiet.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run soak:memory -- [invocations]
 *
 * Runs ten rounds of invocations in the product as `npm start` runs it, with its default retention. Measures the memory of all its
 * processes, of the functions and of nats-server, after each round, when every role has read the log; and again after two and a half and after
 * five minutes without work, in which the collectors give memory back. Compares the rate that lasts before the rounds and after them.
 */

const count = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 10;
/** The server collects an idle heap every two minutes, and gives its pages back in the minutes after that. */
const REST_IN_MS = 150_000;
const LOAD_IN_SECONDS = 20;
const WARM_UP = 5_000;

const report = createReport();
const form = await startForm('product', '100ms');
const load = await openFormLoad(form);
const perRound = count / ROUNDS;
const batches: Workload = { title: 'batches', send: 'batches', functionName: 'flaky', count: perRound, retried: 0, outcomes: 1 };
const totals: number[] = [];
await send(WARM_UP);
const before = await measureLasting(load, form, batches, LOAD_IN_SECONDS);
for (let round = 1; round <= ROUNDS; round++) {
  await send(perRound);
  totals.push(measure(`after ${(round * perRound).toLocaleString('en')}`));
}
report.check('memory in all, the last three rounds / rounds three to five', mean(totals.slice(-3)) / mean(totals.slice(2, 5)), {
  max: 1.1,
});
const after = await measureLasting(load, form, batches, LOAD_IN_SECONDS);
report.check(`lasting rate after ${count.toLocaleString('en')} / before`, after.rate / before.rate, { min: 0.9 });
await pause(REST_IN_MS);
measure('after 2.5 minutes without work');
await pause(REST_IN_MS);
report.check('memory in all after 5 minutes without work', measure('after 5 minutes without work'), { max: 700, unit: 'MB' });
await load.close();
await form[Symbol.asyncDispose]();
process.exitCode = report.print() ? 0 : 1;

async function send(invocations: number): Promise<void> {
  load.arrivals.reset(invocations);
  await load.send({ ...batches, count: invocations });
  await load.arrivals.all();
  await quiet(form);
}

/** The memory of all processes in MB. */
function measure(when: string): number {
  const server = ownMemoryOf(form.serverPid) / 1e6;
  const roles = byKind(form.pid, (pid) => ownMemoryOf(pid) / 1e6);
  const all = Object.values(roles).reduce((sum, one) => sum + one, server);
  report.figures(`${when}: all; server, ${Object.keys(roles).join(', ')}`, [all, server, ...Object.values(roles)], 'MB');
  return all;
}

function pause(inMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, inMs));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
