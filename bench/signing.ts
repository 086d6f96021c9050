import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClientHistory } from '#src/client/history/history.ts';
import { createNatsHistory } from '#src/nats/questions/history-service.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openLoad } from './load/load.ts';
import { exactCpuOf, startBenchWorker } from './measure/processes.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:signing -- [invocations of a round] [rounds]
 *
 * Measures what signed heads cost. Two projections read the same log at the same time, one with a signing key and one without, so that
 * the load of the machine is the same for both. Throughput is limited by processor time, so the cost is the additional processor time of
 * the projection that signs, as a share of what an invocation takes in all processes. The exit code is 1 when the cost is over 2 %.
 */

const [count = '10000', rounds = '8'] = process.argv.slice(2);
const invocations = Number(count);
const folder = await mkdtemp(join(tmpdir(), 'sequent-signing-bench-'));
const key = join(folder, 'signing.key');
await writeFile(key, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
await using server = await startTestServer();
const worker = await startBenchWorker(server.url);
const load = await openLoad(server.url);
const connection = await openConnection({ servers: server.url });
const history = createClientHistory(createNatsHistory(connection));
await load.singles('echo-inline', invocations);

const plain = startProjection('plain', []);
const signing = startProjection('signing', ['--signing-key', key]);
await caughtUp();
const processes = { plain: plain.pid ?? 0, signing: signing.pid ?? 0, worker: worker.pid, server: server.pid };
const rows: { added: number; total: number }[] = [];
const report = createReport();
for (let round = 0; round < Number(rounds); round++) {
  const before = cpuOfAll();
  await load.singles('echo-inline', invocations);
  await caughtUp();
  const after = cpuOfAll();
  const used = (name: keyof typeof processes): number => (after[name] - before[name]) / invocations;
  rows.push({ added: used('signing') - used('plain'), total: used('plain') + used('worker') + used('server') });
}
const added = medianOf(rows.map((row) => row.added));
const total = medianOf(rows.map((row) => row.total));
report.figures(
  'processor time of signing per invocation, each round',
  rows.map((row) => row.added),
  'µs',
);
report.figure('processor time of signing per invocation', added, 'µs');
report.figure('processor time per invocation without signing', total, 'µs');
report.check('cost of signed heads', (100 * added) / total, { max: 2, unit: '%' });

for (const child of [plain, signing]) {
  child.kill('SIGTERM');
  await once(child, 'exit');
}
await load.close();
await worker.stop();
await connection.close();
await rm(folder, { recursive: true });
process.exitCode = report.print() ? 0 : 1;

function startProjection(name: string, more: readonly string[]) {
  const cli = new URL('../src/cli/cli.ts', import.meta.url).pathname;
  const args = ['--import', 'tsx', cli, 'serve', '--role', 'projection', '--data', join(folder, name), ...more];
  return spawn(process.execPath, args, {
    env: { ...process.env, NATS_URL: server.url, SEQUENT_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
}

/** Resolves when both projections have read the whole log. */
async function caughtUp(): Promise<void> {
  for (;;) {
    const instances = await history.instances().catch(() => []);
    const all = await Promise.all(instances.map((instance) => history.status({ instance }).catch(() => undefined)));
    if (all.length === 2 && all.every((status) => status?.isReady === true && status.lag === 0)) return;
    await sleep(100);
  }
}

function cpuOfAll(): Record<keyof typeof processes, number> {
  return {
    plain: exactCpuOf(processes.plain),
    signing: exactCpuOf(processes.signing),
    worker: exactCpuOf(processes.worker),
    server: exactCpuOf(processes.server),
  };
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
