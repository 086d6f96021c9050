import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runRetention } from '#test/support/archive/retention-run.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openLoad } from './load/load.ts';
import { memoryOf, startBenchWorker } from './measure/processes.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run soak:retention -- [invocations] [retention]
 *
 * Runs ten rounds of single invocations with a worker, a projection and a janitor. A round starts when the janitor has almost finished
 * the previous one. Measures memory and disk of the server after each round, then queries the history of all invocations.
 */

const count = Number(process.argv[2] ?? 1_000_000);
const retention = Number(process.argv[3] ?? count / 10);
const ROUNDS = 10;
const report = createReport();
await using server = await startTestServer();
const worker = await startBenchWorker(server.url);
const load = await openLoad(server.url);
const dataDir = await mkdtemp(join(tmpdir(), 'sequent-retention-'));

const memory: number[] = [];
const disk: number[] = [];
const startedAt = performance.now();
const { held, listed, timelines, verified } = await runRetention({
  server,
  dataDir,
  retention,
  rounds: ROUNDS,
  perRound: count / ROUNDS,
  async execute(invocations) {
    report.rate('single invocations', await load.singles('echo-inline', invocations));
  },
  onRound(finished, { invocations, results, diskInBytes }) {
    memory.push(memoryOf(server.pid) / 1e6);
    disk.push(diskInBytes / 1e6);
    const title = `after ${finished.toLocaleString('en')}: memory, disk; in the log, results`;
    report.figures(title, [memory.at(-1) ?? 0, disk.at(-1) ?? 0, invocations, results], 'MB, MB; invocations, messages');
  },
});
const seconds = (performance.now() - startedAt) / 1_000;
report.figure('the whole run, with the queries', seconds, 's');
report.rate('invocations in the whole run', count / seconds);
const { balance, found, messages } = verified.verification;
// The first rounds fill the log up to its retention.
const grown = (values: readonly number[]): number => mean(values.slice(-3)) / mean(values.slice(2, 5));
report.check("the broker's memory: the last three rounds / rounds three to five", grown(memory), { max: 1.3 });
report.check("the broker's disk: the last three rounds / rounds three to five", grown(disk), { max: 1.3 });
report.check('invocations in the log at the end', held.invocations, { max: retention * 1.1 });
report.check('invocations in a list of all', listed, { min: count, max: count });
report.check(`complete timelines in a sample of ${timelines.read}`, timelines.complete, { min: timelines.read });
report.figure('messages of log and archive that verify read', messages, '');
report.check('accepted, and settled, as verify counts them', Math.min(balance.accepted, balance.settled), { min: count, max: count });
report.check('findings of verify', found, { max: 0 });
report.check('exit code of verify', verified.code ?? Number.NaN, { min: 0, max: 0 });
await load.close();
await worker.stop();
await rm(dataDir, { recursive: true });
process.exitCode = report.print() ? 0 : 1;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
