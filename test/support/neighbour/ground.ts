import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chown, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { PROJECT, STRANGER, TOKEN } from '#test/support/gateway/running-gateway.ts';
import { answerFor, establish, OTHER, OWN } from '#test/support/matrix/victims.ts';
import { MINE } from './http-attempts.ts';
import { chosenMachine, takeFolder } from './machines.ts';
import { OPEN_FUNCTION } from './nats-attempts.ts';
import { type Served, serveChosen } from './servers.ts';

/** The function that the victim invokes meanwhile. */
export const BEAT = 'beat';
export const OTHER_TOKEN = 'a token of the victim';
const helloFile = new URL('../../../src/examples/functions/hello.mjs', import.meta.url).pathname;

/** The code of the neighbour's function: the hostile texts of events pass its output and its result. */
const ECHO = await writeZip([
  { path: 'index.mjs', content: Buffer.from('export const handler = (event) => { console.log(event); return event; };') },
]);

export type Reply = { status: number; head: string; body: string };
export type Sent = {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | undefined;
  isStream?: boolean;
  signal?: AbortSignal;
};

/** One Sequent with its victims A (the own project, and another one) and the neighbour B. */
export interface Ground extends AsyncDisposable {
  readonly served: Served;
  readonly http: string;
  readonly client: SequentClient;
  /** Files that nobody but the owner of the data folder may read. */
  readonly secretFiles: readonly string[];
  /** Sends a request; by default as the neighbour. */
  send(sent: Sent, token?: string): Promise<Reply>;
  /** The memory of the process that serves HTTP. */
  processMemoryInMb(): Promise<number>;
  /** Gives the neighbour its function and its invocation again. */
  resetMine(): Promise<void>;
}

export async function openGround(folder: string): Promise<Ground> {
  const credentials = join(folder, 'credentials.json');
  const listed = [
    { project_id: PROJECT, token: TOKEN },
    { project_id: OTHER.project, token: OTHER_TOKEN },
    { project_id: STRANGER.project, token: STRANGER.token },
  ];
  await writeFile(credentials, JSON.stringify(listed), { mode: 0o600 });
  const machine = chosenMachine();
  await takeFolder(machine, folder);
  if (machine.uid !== undefined) await chown(credentials, machine.uid, machine.uid);
  const served = await serveChosen({ folder, credentials, project: PROJECT, machine });
  const { http } = served;
  const client = await connectClient(served.address);
  answerFor([OWN, OTHER], client.connection);
  await client.connection.nats.flush();
  await Promise.all([OWN, OTHER].map((victim) => establish(client, victim)));
  for (const name of [BEAT, OPEN_FUNCTION]) await client.functions.put({ name, handler: { kind: 'process', file: helloFile } });
  await client.packages.put(ECHO, STRANGER.project);
  const handler = { kind: 'process' as const, package: createHash('sha512').update(ECHO).digest('hex'), file: 'index.mjs' };
  const mine = `${STRANGER.project}=${MINE.function}`;
  const ground: Ground = {
    served,
    http,
    client,
    secretFiles: [credentials, ...served.secretFiles],
    async send({ method, path, headers = {}, body, isStream = false, signal }, token = STRANGER.token) {
      const closing = new AbortController();
      const reply = await fetch(http + path, {
        method,
        // A connection of its own: the gateway closes an idle one after five seconds, which a loaded test process learns too late.
        headers: { 'content-type': 'application/json', connection: 'close', ...headers, 'x-auth-token': token },
        signal: signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]),
        redirect: 'manual',
        ...(body === undefined ? {} : { body }),
      });
      const text = isStream && reply.status === 200 ? '' : await reply.text();
      closing.abort();
      return { status: reply.status, head: JSON.stringify([...reply.headers]), body: text };
    },
    async processMemoryInMb() {
      const status = await readFile(`/proc/${served.gatewayPid}/status`, 'utf8');
      return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024);
    },
    async resetMine() {
      await client.functions.put({ name: mine, handler, timeoutInMs: 3_000 });
      await client.functions.publish(mine, { version: MINE.version }).catch(() => {});
      await client.functions.putAlias(mine, { name: MINE.alias, version: MINE.version }).catch(() => {});
      await client.invokeText(mine, '{"mine":1}', { id: MINE.id });
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await served[Symbol.asyncDispose]();
    },
  };
  await ground.resetMine();
  return ground;
}

type Beats = { times: number[]; failures: string[] };

/** The victim's own invocations, one after another. */
export interface Probe extends AsyncDisposable {
  /** The beats since the last call, once there are as many: their times in milliseconds, and what was no result. */
  beats(least: number): Promise<Beats>;
}

export function startProbe({ http }: Pick<Ground, 'http'>): Probe {
  const workerData = { url: http, token: TOKEN, fn: BEAT, everyInMs: 20 };
  const worker = new Worker(new URL('./probe.mjs', import.meta.url), { workerData });
  return {
    async beats(least) {
      const answered = once(worker, 'message') as Promise<[Beats]>;
      worker.postMessage({ least });
      return (await answered)[0];
    },
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}

/** The time that a share of the beats took at most. */
export function percentile(times: readonly number[], share: number): number {
  return times.toSorted((one, other) => one - other)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
}
