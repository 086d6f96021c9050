import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClientHistory } from '#src/client/history/history.ts';
import { createNatsHistory } from '#src/nats/questions/history-service.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openLoad } from '../load/load.ts';
import { startBenchWorker } from './processes.ts';
import type { Report } from './report.ts';

/**
 * Measures the cost of a projection process for the other roles: the rate of batches with and without it. Also measures its lag, at
 * that rate and at half of it.
 */
export async function measureBeside(report: Report, count: number): Promise<void> {
  await using server = await startTestServer();
  const worker = await startBenchWorker(server.url);
  const load = await openLoad(server.url);
  await load.batches('echo-inline', 10_000);
  const alone = await load.batches('echo-inline', count);
  report.rate('client batches, no projection', alone);

  const dataDir = await mkdtemp(join(tmpdir(), 'sequent-beside-'));
  const cli = new URL('../../src/cli/cli.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', cli, 'serve', '--role', 'projection', '--data', dataDir], {
    env: { ...process.env, NATS_URL: server.url, SEQUENT_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const connection = await openConnection({ servers: server.url });
  const history = createClientHistory(createNatsHistory(connection));
  const status = () => history.status({ timeoutInMs: 5_000 }).catch(() => undefined);
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  for (let seen = await status(); seen === undefined || !seen.isReady || seen.lag > 0; seen = await status()) await pause(100);

  const beside = await load.batches('echo-inline', count);
  report.rate('client batches, with a projection', beside);
  report.check('with a projection / without', beside / alone, { min: 0.6 });
  const behind = await status();
  report.figure('messages behind at the end of that', behind?.lag ?? Number.NaN, '');
  for (let seen = behind; (seen?.lag ?? 1) > 0; seen = await status()) await pause(50);

  const lags: number[] = [];
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const seen = await status();
      if (seen !== undefined) lags.push(seen.lagInMs);
      await pause(20);
    }
  })();
  // Half of the rate, in ten steps per second.
  const step = Math.round(beside / 2 / 10);
  for (let i = 0; i < 80; i++) {
    const next = performance.now() + 100;
    await load.batches('echo-inline', step);
    await pause(Math.max(0, next - performance.now()));
  }
  isOver = true;
  await watching;
  lags.sort((one, other) => one - other);
  report.check('lag at half of that rate: p99', lags[Math.floor(lags.length * 0.99)] ?? Number.NaN, { max: 250, unit: 'ms' });
  child.kill('SIGTERM');
  await once(child, 'exit');
  await load.close();
  await worker.stop();
  await connection.close();
  await rm(dataDir, { recursive: true });
}
