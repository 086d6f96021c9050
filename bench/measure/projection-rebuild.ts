import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openNatsPorts } from '#src/nats/ports.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { writeLog } from '#test/support/projection/write-log.ts';
import type { Report } from './report.ts';

/** Measures one projection process: it folds and stores an existing log from zero, then lists by every filter. */
export async function measureRebuild(report: Report, count: number): Promise<void> {
  await using server = await startTestServer();
  await writeLogTo(server.url, report, count);
  const folder = await mkdtemp(join(tmpdir(), 'sequent-projection-bench-'));
  const script = new URL('./projection-process.ts', import.meta.url).pathname;
  const profiling = process.env.BENCH_PROFILE === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', process.env.BENCH_PROFILE];
  const child = spawn(process.execPath, [...profiling, '--import', 'tsx', script], {
    env: { ...process.env, NATS_URL: server.url, BENCH_FOLDER: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const text of createInterface(child.stdout)) printLine(report, JSON.parse(text) as Line, count);
  await rm(folder, { recursive: true });
}

async function writeLogTo(url: string, report: Report, count: number): Promise<void> {
  const connection = await openConnection({ servers: url });
  const ports = await openNatsPorts(connection, {
    topology: { replicas: 1, resultsStorage: 'file', resultsMaxAgeInMs: 3_600_000 },
    leaseInMs: 15_000,
  });
  const startedAt = performance.now();
  await writeLog(connection, count);
  report.figure(`writing the log of ${count.toLocaleString('en')} invocations`, (performance.now() - startedAt) / 1_000, 's');
  ports.close();
  await connection.close();
}

type Line =
  | { kind: 'rebuild'; ms: number; cpuInUs: number; peak: number }
  | { kind: 'list'; filter: string; worst: number }
  | { kind: 'stats'; of: string; ms: number };

function printLine(report: Report, line: Line, count: number): void {
  switch (line.kind) {
    case 'list':
      return report.check(`list by ${line.filter}: the slowest of 5`, line.worst, { max: 100, unit: 'ms' });
    case 'stats':
      return report.figure(`statistics over all, ${line.of}`, line.ms, 'ms');
    case 'rebuild':
      report.check('folded and stored invocations per second', (count / line.ms) * 1_000, { min: 12_000, unit: '/s' });
      report.check('processor time per invocation', line.cpuInUs / count, { max: 80, unit: 'µs' });
      report.check('a rebuild of 1,000,000 at this rate', ((line.ms / count) * 1_000_000) / 60_000, { max: 5, unit: 'min' });
      report.check('peak memory of the process', line.peak / 1e6, { max: 400, unit: 'MB' });
  }
}
