import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { PROJECT, STRANGER, TOKEN } from '#test/support/gateway/running-gateway.ts';
import { answerFor, establish, OTHER, OWN } from '#test/support/matrix/victims.ts';
import { MINE } from './http-attempts.ts';
import { chosenMachine } from './machines.ts';
import { OPEN_FUNCTION } from './nats-attempts.ts';

/** The function that the victim invokes meanwhile. */
export const BEAT = 'beat';
export const OTHER_TOKEN = 'a token of the victim';
const helloFile = new URL('../../../src/examples/functions/hello.mjs', import.meta.url).pathname;

/** The code of the neighbour's function: the hostile texts of events pass its output and its result. */
const ECHO = writeZip([
  { path: 'index.mjs', content: Buffer.from('export const handler = (event) => { console.log(event); return event; };') },
]);

export type Reply = { status: number; head: string; body: string };
export type Sent = { method: string; path: string; headers?: Record<string, string>; body?: string | undefined; isStream?: boolean };

/** One Sequent with its victims A (the own project, and another one) and the neighbour B. */
export interface Ground extends AsyncDisposable {
  readonly sequent: ServedSequent;
  readonly http: string;
  readonly client: SequentClient;
  /** Files that nobody but the owner of the data folder may read. */
  readonly secretFiles: readonly string[];
  /** Sends a request; by default as the neighbour. */
  send(sent: Sent, token?: string): Promise<Reply>;
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
  // No role inspects an invocation meanwhile, so the stored state of the victims changes by requests only.
  const times = ['--lease-ms', '3600000', '--patience-ms', '3600000'];
  const machine = chosenMachine();
  const dataDir = join(folder, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  for (const path of [folder, credentials, dataDir]) if (machine.uid !== undefined) await chown(path, machine.uid, machine.uid);
  const options = ['--http-port', '0', '--credentials', credentials, '--project', PROJECT, ...times];
  const sequent = await serveSequent(options, dataDir, {}, machine.prefix);
  const http = /^sequent ready .* http (\S+)/m.exec(sequent.output.stdout)?.[1] ?? '';
  const client = await connectClient(sequent.address);
  answerFor([OWN, OTHER], client.connection);
  await client.connection.nats.flush();
  await Promise.all([OWN, OTHER].map((victim) => establish(client, victim)));
  for (const name of [BEAT, OPEN_FUNCTION]) await client.functions.put({ name, handler: { kind: 'process', file: helloFile } });
  await client.packages.put(ECHO, STRANGER.project);
  const handler = { kind: 'process' as const, package: createHash('sha512').update(ECHO).digest('hex'), file: 'index.mjs' };
  const mine = `${STRANGER.project}=${MINE.function}`;
  const ground: Ground = {
    sequent,
    http,
    client,
    secretFiles: [credentials, join(sequent.dataDir, 'nats', 'sequent.nk'), join(sequent.dataDir, 'nats', 'responders.nk')],
    async send({ method, path, headers = {}, body, isStream = false }, token = STRANGER.token) {
      const closing = new AbortController();
      const reply = await fetch(http + path, {
        method,
        headers: { 'content-type': 'application/json', ...headers, 'x-auth-token': token },
        signal: closing.signal,
        redirect: 'manual',
        ...(body === undefined ? {} : { body }),
      });
      const text = isStream && reply.status === 200 ? '' : await reply.text();
      closing.abort();
      return { status: reply.status, head: JSON.stringify([...reply.headers]), body: text };
    },
    async resetMine() {
      await client.functions.put({ name: mine, handler, timeoutInMs: 3_000 });
      await client.functions.publish(mine, { version: MINE.version }).catch(() => {});
      await client.functions.putAlias(mine, { name: MINE.alias, version: MINE.version }).catch(() => {});
      await client.invokeText(mine, '{"mine":1}', { id: MINE.id });
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await sequent[Symbol.asyncDispose]();
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
