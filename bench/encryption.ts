import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encryptProject } from '#src/core/encryption/change-project.ts';
import { parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { FUNCTIONS_BUCKET } from '#src/nats/wire/topology.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openLoad } from './load/load.ts';
import { exactCpuOf, startBenchWorker } from './measure/processes.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:encryption -- [invocations of a round] [rounds]
 *
 * Measures what encryption of payloads costs a project without it, and one with it. Three systems run the same load in turn: without
 * encryption, with another project that encrypts, and with the own project encrypting. A round runs each system once, so that the load of
 * the machine is about the same for the three. The cost is the processor time of an invocation in client, server and worker, as a ratio to
 * that of the first system in the same round. The exit code is 1 when a project without encryption pays over 3 %.
 */

const [count = '10000', rounds = '8'] = process.argv.slice(2);
const invocations = Number(count);
const folder = await mkdtemp(join(tmpdir(), 'sequent-encryption-bench-'));
const keys = `k1 ${randomBytes(32).toString('base64')}\n`;
const keyFile = join(folder, 'master.keys');
await writeFile(keyFile, keys, { mode: 0o600 });

type System = { measure(): Promise<{ cpuInUs: number; perSecond: number }>; close(): Promise<void> };

/** A server with a worker and a client. `encrypting` is the project that encrypts its payloads: `own`, or another one. */
async function startSystem(encrypting: 'none' | 'other' | 'own'): Promise<System> {
  const server = await startTestServer();
  const withKeys = encrypting !== 'none';
  const worker = await startBenchWorker(server.url, withKeys ? { BENCH_ENCRYPTION_KEY: keyFile } : {});
  if (withKeys) {
    const connection = await openConnection({ servers: server.url });
    const store = await openKeyValue(connection, FUNCTIONS_BUCKET);
    const project = encrypting === 'own' ? undefined : 'other';
    await encryptProject(store, project, { keys: parseMasterKeys(keys, 'the keys'), now: Date.now() });
    await connection.close();
  }
  const load = await openLoad(server.url, withKeys ? { encryptionKeys: keys } : {});
  const pids = [worker.pid, server.pid, process.pid];
  const cpu = (): number => pids.reduce((sum, pid) => sum + exactCpuOf(pid), 0);
  return {
    async measure() {
      const before = cpu();
      const perSecond = await load.batches('echo-inline', invocations);
      return { cpuInUs: (cpu() - before) / invocations, perSecond };
    },
    async close() {
      await load.close();
      await worker.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

const systems = { none: await startSystem('none'), other: await startSystem('other'), own: await startSystem('own') };
const names = Object.keys(systems) as (keyof typeof systems)[];
for (const name of names) await systems[name].measure();
const measured = { none: [], other: [], own: [] } as Record<keyof typeof systems, { cpuInUs: number; perSecond: number }[]>;
for (let round = 0; round < Number(rounds); round++) {
  // Each system is first in a third of the rounds.
  const order = [...names.slice(round % 3), ...names.slice(0, round % 3)];
  for (const name of order) measured[name].push(await systems[name].measure());
}

const report = createReport();
const ratiosOf = (name: 'other' | 'own'): number[] =>
  measured[name].map(({ cpuInUs }, round) => cpuInUs / (measured.none[round]?.cpuInUs ?? Number.NaN));
for (const name of names) {
  const title = { none: 'no project encrypts', other: 'another project encrypts', own: 'the project encrypts' }[name];
  report.rate(title, medianOf(measured[name].map(({ perSecond }) => perSecond)), {
    all: medianOf(measured[name].map(({ cpuInUs }) => cpuInUs)),
  });
}
report.figures('processor time, another project encrypts / none, each round', ratiosOf('other'), '');
report.figures('processor time, the project encrypts / none, each round', ratiosOf('own'), '');
report.figure('cost of encryption for a project with it', 100 * (medianOf(ratiosOf('own')) - 1), '%');
report.check('cost of encryption for a project without it', 100 * (medianOf(ratiosOf('other')) - 1), { max: 3, unit: '%' });

for (const name of names) await systems[name].close();
await rm(folder, { recursive: true });
process.exitCode = report.print() ? 0 : 1;

function medianOf(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
