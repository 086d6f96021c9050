import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectClient } from '#src/client/client.ts';
import { spawnCli } from '#test/support/cli/cli.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { measureBatches, measureCompletion } from './load/http-batch.ts';
import type { LoadOptions, LoadResult } from './load/http-load.ts';
import { cpuOf } from './measure/processes.ts';
import { startProduct } from './measure/product.ts';
import { createReport } from './measure/report.ts';

/*
 * npm run bench:http [-- --quick]
 *
 * Measures how many events per second one gateway accepts over HTTP, each acknowledged by JetStream, in relation to a bare hono handler.
 *
 * 1. Gateway, bare handler, load and NATS server are separate processes.
 * 2. The variants alternate, so that other load of the machine affects all of them. A ratio is the median of the rounds' ratios.
 * 3. The load comes from Node's own HTTP client, and in other variants from raw sockets, which cost the machine almost nothing.
 * 4. The bounds hold for both kinds of load. The variant with signatures has no bound.
 * 5. One batch over HTTP is compared with a batch of the client library.
 * 6. At last, a batch runs on all roles, and its destination gets one delivery that counts all members.
 */

const isQuick = process.argv.includes('--quick');
const ROUNDS = isQuick ? 3 : 5;
const SECONDS = isQuick ? 1 : 3;
const CONNECTIONS = 64;
const BATCH_LINES = isQuick ? 10_000 : 100_000;
/** Gateway and bare handler run as `npm start` does. */
const NODE_OPTIONS = ['--max-semi-space-size=64', '--no-allocation-site-pretenuring'];
const PROJECT = 'bench';
const KEYS = { ak: 'AKBENCH', sk: 'the secret key of the benchmark' };
const TOKEN = 'the token of the benchmark';
const PATH = `/v2/${PROJECT}/fgs/functions/urn:fss:local:${PROJECT}:function:default:accept:latest/invocations-async`;
const OWN_PATH = '/api/functions/accept/invocations';

type Started = { url: string; process: ChildProcess };

const report = createReport();
await using server = await startTestServer();
const bare = await startBare();
const gateway = await startGateway(server);
const load = fork(new URL('./load/http-load.ts', import.meta.url), { execArgv: ['--import', 'tsx'] });
await define(server);

type Variant = { at: Started; path: string; auth: LoadOptions['auth']; client: LoadOptions['client'] };
const token = { token: TOKEN };
const variants: Record<string, Variant> = {
  'bare hono': { at: bare, path: PATH, auth: {}, client: 'http' },
  'accepted, with a token': { at: gateway, path: PATH, auth: token, client: 'http' },
  'accepted by the own API': { at: gateway, path: OWN_PATH, auth: token, client: 'http' },
  'bare hono, raw sockets': { at: bare, path: PATH, auth: {}, client: 'sockets' },
  'accepted, raw sockets': { at: gateway, path: PATH, auth: token, client: 'sockets' },
  'accepted and signed, raw sockets': { at: gateway, path: PATH, auth: { keys: KEYS }, client: 'sockets' },
};

for (const variant of Object.keys(variants)) await measure(variant, 1);
const rates = new Map(Object.keys(variants).map((variant): [string, number[]] => [variant, []]));
for (let round = 0; round < ROUNDS; round++) for (const [variant, found] of rates) found.push(await measure(variant, SECONDS));

for (const [variant, found] of rates) {
  report.rate(variant, median(found));
  if (variant.startsWith('bare hono')) continue;
  const isRawSockets = variants[variant]?.client === 'sockets';
  const base = rates.get(isRawSockets ? 'bare hono, raw sockets' : 'bare hono') ?? [];
  const ratio = median(found.map((rate, round) => rate / (base[round] ?? Number.NaN)));
  const title = `${variant} / bare hono`;
  if (variants[variant]?.auth.keys !== undefined) report.figure(title, ratio, '');
  else report.check(title, ratio, { min: 0.5 });
}
{
  await using client = await connectClient({ servers: server.url });
  const url = `${gateway.url}/api/functions/accept/batches`;
  await measureBatches(report, { url, token: TOKEN, client, name: 'accept', lines: BATCH_LINES, rounds: 3 });
}
{
  await using fresh = await startTestServer({ fsync: '100ms' });
  await using product = await startProduct(fresh.url);
  await using client = await connectClient({ servers: fresh.url });
  const handler = { kind: 'process' as const, file: new URL('./load/echo.mjs', import.meta.url).pathname };
  const policy = { maxAgeInSeconds: 86_400 };
  for (const name of ['member', 'told']) await client.functions.put({ name, handler, policy, concurrency: 64 });
  const url = `${product.http}/api/functions/member/batches`;
  await measureCompletion(report, { url, token: TOKEN, client, name: 'member', told: 'told', lines: BATCH_LINES });
}
for (const { process: child } of [bare, gateway, { process: load }]) {
  child.kill('SIGTERM');
  await once(child, 'exit');
}
process.exitCode = report.print() ? 0 : 1;

/** The answers per second with status 202. Any other status ends the benchmark. */
async function measure(variant: string, seconds: number): Promise<number> {
  const { at, ...settings } = variants[variant] as Variant;
  const options: LoadOptions = { url: at.url, ...settings, seconds, connections: CONNECTIONS, body: '{"k":"v","n":1}' };
  const processes = { 'its processor': at.process.pid, 'of the server': server.pid, 'of the load': load.pid };
  const used = () => Object.entries(processes).map(([name, pid]): [string, number] => [name, cpuOf(pid ?? 0)]);
  const before = new Map(used());
  load.send(options);
  const [result] = (await once(load, 'message')) as [LoadResult];
  if ('problem' in result) throw new Error(`${variant}: ${result.problem}`);
  const perSecond = result.answered / result.seconds;
  const cpu = used().map(([name, after]) => `${((after - (before.get(name) ?? 0)) / result.answered).toFixed(0)} µs ${name}`);
  if (!isQuick) process.stdout.write(`  ${variant.padEnd(40)} ${Math.round(perSecond)}/s, each ${cpu.join(', ')}\n`);
  return perSecond;
}

async function startBare(): Promise<Started> {
  const child = fork(new URL('./load/http-bare.ts', import.meta.url), { execArgv: [...NODE_OPTIONS, '--import', 'tsx'] });
  const [url] = (await once(child, 'message')) as [string];
  return { url, process: child };
}

async function startGateway({ url, dataDir }: TestServer): Promise<Started> {
  const file = join(dataDir, 'credentials.json');
  await writeFile(file, JSON.stringify([{ project_id: PROJECT, ...KEYS, token: TOKEN }]));
  const child = spawnCli(['serve', '--role', 'gateway', '--http-port', '0', '--output', 'json'], {
    env: { NATS_URL: url, SEQUENT_CREDENTIALS: file, SEQUENT_LOG_LEVEL: 'warn' },
    execArgv: NODE_OPTIONS,
  });
  child.stderr?.pipe(process.stderr);
  for await (const chunk of child.stdout ?? []) {
    const ready = /^sequent ready (\{.*\})$/m.exec(String(chunk))?.[1];
    if (ready !== undefined) return { url: (JSON.parse(ready) as { http: string }).http, process: child };
  }
  throw new Error('the gateway ended before it was ready');
}

/** Defines a function without a worker, because only the acceptance is measured. */
async function define({ url }: TestServer): Promise<void> {
  await using client = await connectClient({ servers: url });
  await client.functions.put({ name: 'accept', handler: { kind: 'inline' } });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
