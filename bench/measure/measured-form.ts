import { connectClient, type SequentClient } from '#src/client/client.ts';
import type { Fsync } from '#src/main/nats-server/files.ts';
import { createStreams } from '#src/main/roles/create-streams.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { INVOCATIONS, RESULTS } from '#src/nats/wire/topology.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { byKind, cpuOf, startBenchWorker } from './processes.ts';
import { startProduct } from './product.ts';

/** The counts of a server since its start, and the processor time of each kind of process in microseconds. */
type Counts = {
  stored: number;
  delivered: number;
  /** The messages of the log and of the results so far. The roles store other messages all the time, such as what they have read. */
  logged: number;
  /** Messages of the log that a reader has not received yet. */
  unread: number;
  cpu: Readonly<Record<string, number>>;
};

/** Sequent on a server of its own. */
export interface MeasuredForm extends AsyncDisposable {
  readonly url: string;
  readonly monitorUrl: string;
  /** The process of Sequent, and that of the server. */
  readonly pid: number;
  readonly serverPid: number;
  /** The address of the gateway, if the form has one. */
  readonly http: string | undefined;
  readonly client: SequentClient;
  counts(): Promise<Counts>;
}

export type FormName = 'product' | 'lean' | 'split';

/**
 * Starts a form, and defines the functions `flaky`, `noop` and `chain` in it, all of the process host.
 *
 * `product`: all roles as `npm start` runs them. `lean`: worker, scheduler and destinations in one process, without history and gateway.
 * `split`: the product, with the roles `apart` in a process of their own.
 */
export async function startForm(name: FormName, fsync: Fsync, apart: readonly string[] = []): Promise<MeasuredForm> {
  const server = await startTestServer({ fsync });
  const results = fsync === 'always' ? 'memory' : 'file';
  // The product does not know the setting of a server that it did not start.
  if (fsync === 'always') await createLog(server.url, results);
  const options = ['--results-storage', results];
  const started = name === 'lean' ? await startLean(server.url, results) : await startProduct(server.url, [...options, ...rolesBut(apart)]);
  const second = apart.length === 0 ? undefined : await startProduct(server.url, [...options, ...apart.flatMap(asRole)]);
  const client = await connectClient({ servers: server.url });
  await defineFunctions(client);
  return {
    url: server.url,
    monitorUrl: server.monitorUrl,
    pid: started.pid,
    serverPid: server.pid,
    http: second?.http ?? ('http' in started ? started.http : undefined),
    client,
    async counts() {
      const streams = await readMonitor<Streams>(server.monitorUrl, 'jsz?accounts=1&streams=1&consumers=1');
      const details = streams.account_details?.flatMap((account) => account.stream_detail ?? []) ?? [];
      const logs = details.filter(({ name }) => name === INVOCATIONS || name === RESULTS);
      const { out_msgs: delivered } = await readMonitor<{ out_msgs: number }>(server.monitorUrl, 'varz');
      return {
        stored: details.reduce((sum, { state }) => sum + state.last_seq, 0),
        delivered,
        logged: logs.reduce((sum, { state }) => sum + state.last_seq, 0),
        unread: logs.flatMap(({ consumer_detail: consumers = [] }) => consumers).reduce((sum, one) => sum + unreadOf(one), 0),
        cpu: {
          server: cpuOf(server.pid),
          ...byKind(started.pid, cpuOf),
          ...(second === undefined ? {} : { apart: cpuOf(second.pid) }),
          client: cpuOf(process.pid),
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await second?.[Symbol.asyncDispose]();
      await started[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const ROLES = ['worker', 'scheduler', 'destinations', 'projection', 'janitor', 'gateway'];
const asRole = (role: string): string[] => ['--role', role];

/** The options of the first process: without roles apart, the defaults. */
function rolesBut(apart: readonly string[]): string[] {
  return apart.length === 0 ? [] : ROLES.filter((role) => !apart.includes(role)).flatMap(asRole);
}

async function createLog(servers: string, resultsStorage: 'memory' | 'file'): Promise<void> {
  const connection = await openConnection({ servers });
  const topology = { replicas: 1, resultsStorage, resultsMaxAgeInMs: 3_600_000, isSyncedAlways: true };
  await createStreams(connection, { topology, auditRetentionInMs: undefined });
  await connection.close();
}

async function startLean(url: string, results: string) {
  const worker = await startBenchWorker(url, { BENCH_RESULTS: results });
  return { pid: worker.pid, [Symbol.asyncDispose]: () => worker.stop() };
}

/** How long a retried invocation waits for its second attempt. */
export const BACKOFF_IN_MS = 100;

async function defineFunctions(client: SequentClient): Promise<void> {
  const file = new URL('../load/echo.mjs', import.meta.url).pathname;
  const handler = (name: string) => ({ kind: 'process' as const, file, export: name });
  const policy = { maxRetries: 3, maxAgeInSeconds: 86_400, backoff: { initialInMs: BACKOFF_IN_MS, factor: 1, jitter: 0 } };
  await client.functions.put({ name: 'flaky', handler: handler('flaky'), concurrency: 512, policy });
  await client.functions.put({ name: 'noop', handler: handler('noop'), concurrency: 512 });
  await client.functions.put({ name: 'second', handler: handler('second'), concurrency: 512 });
  const onSuccess = [{ destination: 'FunctionGraph' as const, param: { func_urn: 'second' } }];
  await client.functions.put({ name: 'chain', handler: handler('handler'), concurrency: 512, policy: { onSuccess } });
}

type Consumer = { num_pending: number; delivered: { last_active?: string } };
type StreamDetail = { name: string; state: { last_seq: number }; consumer_detail?: Consumer[] };
type Streams = { account_details?: { stream_detail?: StreamDetail[] }[] };

/** A consumer that was silent for longer was left by a reader that has ended. */
const SILENT_AFTER_MS = 6_000;

function unreadOf({ num_pending: pending, delivered: { last_active: lastActive } }: Consumer): number {
  return lastActive !== undefined && Date.now() - Date.parse(lastActive) > SILENT_AFTER_MS ? 0 : pending;
}

async function readMonitor<Answer>(url: string, path: string): Promise<Answer> {
  return (await (await fetch(`${url}/${path}`)).json()) as Answer;
}
