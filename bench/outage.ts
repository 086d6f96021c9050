import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamConfig } from 'nats';
import { connectClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { openReceiver } from '#test/support/destinations/receiver.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run soak:outage -- [seconds] [others]
 *
 * Runs every role in its own process through four outages of NATS:
 *
 * 1. The server is killed for `seconds` (600).
 * 2. The server is silent, the log is full, the log refuses every append: each for `others` seconds (80), which is longer than
 *    any append, read or result is repeated.
 *
 * After each outage all processes must still run, and every invocation must have one outcome and one end.
 */

const seconds = Number(process.argv[2] ?? 600);
const OTHERS_IN_S = Number(process.argv[3] ?? 80);
const ENDS_WITHIN_MS = 300_000;
const BATCHES = 100;
const BATCH = 4;
const ROLES = ['worker', 'worker', 'destinations', 'scheduler', 'projection', 'janitor', 'gateway'];

const report = createReport();
const folder = await mkdtemp(join(tmpdir(), 'sequent-outage-'));
const receiver = await openReceiver((response) => void setTimeout(() => response.writeHead(200).end(), 100));
const connectionsFile = join(folder, 'connections.json');
await writeFile(connectionsFile, JSON.stringify({ http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiver.port] } }));
await using server = await startTestServer();
const processes: SequentProcess[] = [];
for (const [index, role] of ROLES.entries()) {
  const settings = { NATS_URL: server.url, SEQUENT_DATA: join(folder, `${index}`), SEQUENT_CONNECTIONS: connectionsFile };
  processes.push(await startSequent(['--role', role, '--http-port', '0'], { ...settings, SEQUENT_PATIENCE_MS: '2000' }));
}
const http = /http (http:\S+)/.exec(processes.at(-1)?.readyLine ?? '')?.[1] ?? '';
const client = await connectClient({ servers: server.url });
const file = new URL('../test/support/destinations/functions.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file, export: 'obey' } as const;
await client.functions.put({ name: 'billing', handler, concurrency: 64 });
await client.functions.put({
  name: 'orders',
  handler,
  concurrency: 64,
  policy: {
    maxRetries: 3,
    onSuccess: [
      { destination: 'HTTP', param: { url: `${receiver.url}/hook` } },
      { destination: 'FunctionGraph', param: { func_urn: 'billing' } },
    ],
  },
});
const log = await watchLog(server.url);

await round(`killed ${seconds} s`, async () => {
  await server.kill();
  await systemClock.sleep(seconds * 1_000);
  await server.restart();
});
await round(`silent ${OTHERS_IN_S} s`, async () => {
  server.pause();
  await systemClock.sleep(OTHERS_IN_S * 1_000);
  server.resume();
});
await round(`full ${OTHERS_IN_S} s`, async () => {
  const manager = await log.connection.nats.jetstreamManager();
  const { state } = await manager.streams.info(INVOCATIONS);
  await limitLogFor({ max_bytes: state.bytes + 65_536 }, { max_bytes: -1 });
});
await round(`refuses ${OTHERS_IN_S} s`, () => limitLogFor({ max_msg_size: 1 }, { max_msg_size: -1 }));

for (const [index, { stderr }] of processes.entries()) printLogCounts(ROLES[index] ?? '', stderr);
for (const one of processes) await one.signal('SIGTERM');
await log[Symbol.asyncDispose]();
await client.close();
await receiver[Symbol.asyncDispose]();
await rm(folder, { recursive: true });
process.exitCode = report.print() ? 0 : 1;

/** Starts work, lets the outage interrupt it, and waits until all of it has ended. */
async function round(title: string, outage: () => Promise<void>): Promise<void> {
  const ids: string[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const accepted = await client.invokeMany(
      'orders',
      Array.from({ length: BATCH }, () => ({ ms: 300 })),
    );
    ids.push(...accepted.map(({ requestId }) => requestId));
  }
  await log.untilNotified(ids.slice(0, 1), ENDS_WITHIN_MS);
  await outage();
  const endedAt = performance.now();
  await log.untilNotified(ids, ENDS_WITHIN_MS);
  await untilAllNotified(log);
  report.figure(`${title}: all ended after`, (performance.now() - endedAt) / 1_000, 's');
  const { invocations, facts, problems } = await foldWholeLog(log.ports.log);
  const lives = [...facts].flatMap(([id, life]) => findLifeProblems(id, life));
  for (const problem of [...problems, ...lives].slice(0, 10)) process.stdout.write(`  ${problem}\n`);
  const running = processes.filter(({ pid }) => isRunning(pid)).length;
  report.check(`${title}: processes that still run`, running, { min: ROLES.length });
  report.check(`${title}: invocations not ended once`, lives.length, { max: 0 });
  report.check(`${title}: findings among ${invocations.size} invocations`, problems.length, { max: 0 });
  report.check(`${title}: status of an HTTP invocation`, await statusOfHttp(), { min: 202, max: 202 });
}

/** Destinations start further invocations, so everything in the log must be notified. */
async function untilAllNotified({ facts }: LogWatch): Promise<void> {
  const deadline = performance.now() + ENDS_WITHIN_MS;
  const isOpen = (): boolean => [...facts.values()].some((life) => !life.some(({ type }) => type === 'notified'));
  while (isOpen() && performance.now() < deadline) await systemClock.sleep(200);
}

async function limitLogFor(limits: Partial<StreamConfig>, before: Partial<StreamConfig>): Promise<void> {
  const manager = await log.connection.nats.jetstreamManager();
  await manager.streams.update(INVOCATIONS, limits);
  await systemClock.sleep(OTHERS_IN_S * 1_000);
  await manager.streams.update(INVOCATIONS, before);
}

async function statusOfHttp(): Promise<number> {
  const body = JSON.stringify({ ms: 0 });
  const headers = { 'content-type': 'application/json', prefer: 'respond-async' };
  return (await fetch(`${http}/api/functions/billing/invocations`, { method: 'POST', body, headers })).status;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Prints how often a role logged each of its latest messages. */
function printLogCounts(role: string, stderr: string): void {
  const counts = new Map<string, number>();
  for (const [, message = ''] of stderr.matchAll(/"msg":"((?:[^"\\]|\\.)*)"/g)) counts.set(message, (counts.get(message) ?? 0) + 1);
  for (const [message, count] of counts) process.stdout.write(`  ${role}: ${count} × ${message}\n`);
}
