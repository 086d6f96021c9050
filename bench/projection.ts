import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '#src/core/clock.ts';
import { openConnection } from '#src/nats/connection.ts';
import { openNatsPorts } from '#src/nats/ports.ts';
import { startTestServer } from '#test/support/nats-server.ts';
import { writeLog } from '#test/support/projection/write-log.ts';
import { createReport } from './report.ts';

/*
 * node --import tsx bench/projection.ts [invocations]: what one projection process does. It folds and stores a log from zero, then
 * lists by every filter. The log is written before, by itself.
 */

const count = Number(process.argv[2] ?? 200_000);
const report = createReport();
await using server = await startTestServer();
const connection = await openConnection({ servers: server.url });
const ports = await openNatsPorts(connection, {
  topology: { replicas: 1, resultsStorage: 'file', resultsMaxAgeInMs: 3_600_000 },
  leaseInMs: 15_000,
  clock: systemClock,
});
const writingAt = performance.now();
await writeLog(connection, count);
report.figure(`writing the log of ${count.toLocaleString('en')} invocations`, (performance.now() - writingAt) / 1_000, 's');
ports.close();
await connection.close();

const folder = await mkdtemp(join(tmpdir(), 'sequent-projection-bench-'));
const script = new URL('./projection-process.ts', import.meta.url).pathname;
const profiling = process.env.BENCH_PROFILE === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', process.env.BENCH_PROFILE];
const child = spawn(process.execPath, [...profiling, '--import', 'tsx', script], {
  env: { ...process.env, NATS_URL: server.url, BENCH_FOLDER: folder },
  stdio: ['ignore', 'pipe', 'inherit'],
});
type Line = { ms: number; cpuInUs: number; peak: number; filter?: string; first: number; worst: number; stats?: number };
for await (const text of createInterface(child.stdout)) {
  const line = JSON.parse(text) as Line;
  if (line.filter !== undefined) report.check(`list by ${line.filter}: the slowest of 5`, line.worst, { most: 100, unit: 'ms' });
  else if (line.stats !== undefined) report.figure('statistics over all', line.stats, 'ms');
  else {
    report.check('folded and stored invocations a second', (count / line.ms) * 1_000, { least: 12_000, unit: '/s' });
    report.check('processor time an invocation', line.cpuInUs / count, { most: 80, unit: 'µs' });
    report.check('a rebuild of 1,000,000 at this rate', ((line.ms / count) * 1_000_000) / 60_000, { most: 5, unit: 'min' });
    report.check('most memory of the process', line.peak / 1e6, { most: 400, unit: 'MB' });
  }
}
await rm(folder, { recursive: true });
process.exitCode = report.print() ? 0 : 1;
