import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnCli } from '#test/support/cli/cli.ts';
import { zipOf } from '#test/support/gateway/zip-archive.ts';
import { ownerAddress } from '#test/support/nats/owner-address.ts';
import { type Keys, otherLimit, type Reply, type Sdk, sdkFor } from './sdk.ts';
import { until } from './until.ts';

export const OWN: Keys = { project: '0123456789abcdef0123456789abcdef', ak: 'AKOWN', sk: 'the secret key of the own project' };
export const OTHER: Keys = { project: 'another-project', ak: 'AKOTHER', sk: 'the secret key of the other project' };
const TOKEN = 'the token of the own project';
export const OTHER_TOKEN = 'the token of the other project';

const credentials = [
  { project_id: OWN.project, ak: OWN.ak, sk: { env: 'OWN_SK' }, token: TOKEN },
  { project_id: OTHER.project, ak: OTHER.ak, sk: OTHER.sk, token: OTHER_TOKEN },
];

export type RawCall = { body?: string; headers?: Record<string, string>; token?: string };

/** The record of one run of the handler. */
type Effect = { function: string; request: string; version: string; event: Reply };

/** A `sequent serve` process with its own NATS server, credentials and data folder. */
export interface System extends AsyncDisposable {
  readonly url: string;
  /** The address of NATS for the owner of the data folder. */
  readonly nats: ReturnType<typeof ownerAddress>;
  readonly sdk: Sdk;
  /** The SDK with the keys of the other project. */
  readonly other: Sdk;
  /** Calls without the SDK, by default with the token of the own project. */
  raw(method: string, path: string, call?: RawCall): Promise<Response>;
  /** Creates a function from a zip; resolves to its URN. */
  deploy(name: string, facts?: { sdk?: Sdk; code?: string; config?: object; [field: string]: unknown }): Promise<string>;
  /** Replaces the code of a function. */
  deployCode(urn: string, code: string): Promise<void>;
  /** The recorded runs of one function, or of all functions. */
  effects(name?: string): Effect[];
  /** Lets the runs continue that wait at a gate. */
  openGate(gate: string): void;
  /** Polls the record of an invocation until it matches. */
  record(urn: string, id: string, matches?: (record: Reply) => boolean, sdk?: Sdk): Promise<Reply>;
  /** Kills the process together with its NATS server, and starts another process on the same data folder. */
  crash(): Promise<void>;
}

export type SystemOptions = { connections?: object; env?: Record<string, string> };

/** Starts the process; resolves when the process has reported that it is ready. */
export async function startSystem({ connections = {}, env = {} }: SystemOptions = {}): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-conformance-'));
  const effectsFile = join(folder, 'effects.jsonl');
  const gates = join(folder, 'gates');
  await mkdir(gates);
  writeFileSync(effectsFile, '');
  await writeFile(join(folder, 'credentials.json'), JSON.stringify(credentials));
  await writeFile(join(folder, 'connections.json'), JSON.stringify(connections));
  const settings = {
    SEQUENT_CREDENTIALS: join(folder, 'credentials.json'),
    SEQUENT_CONNECTIONS: join(folder, 'connections.json'),
    SEQUENT_LEASE_MS: '1500',
    SEQUENT_PATIENCE_MS: '1000',
    SEQUENT_LOG_LEVEL: 'warn',
    OWN_SK: OWN.sk,
    ...env,
  };
  const start = async () => {
    const serving = await startServe(['--data', join(folder, 'data')], settings);
    // The projection is a process of its own and may become ready later.
    const listsAnswer = async () =>
      (await fetch(`${serving.http}/api/invocations`, { headers: { 'x-auth-token': TOKEN } })).status === 200 || undefined;
    await until('the lists answer', listsAnswer);
    return serving;
  };
  let running = await start();
  let sdk = sdkFor(running.http, OWN);
  let other = sdkFor(running.http, OTHER);

  const system: System = {
    get url() {
      return running.http;
    },
    get nats() {
      return ownerAddress(running.nats, join(folder, 'data'));
    },
    get sdk() {
      return sdk;
    },
    get other() {
      return other;
    },
    raw(method, path, { body, headers = {}, token = TOKEN } = {}) {
      const auth = token === '' ? {} : { 'x-auth-token': token };
      return fetch(running.http + path, {
        method,
        headers: { 'content-type': 'application/json', ...auth, ...headers },
        ...(body === undefined ? {} : { body }),
      });
    },
    async deploy(name, { sdk: by = sdk, code = HANDLER, config, ...facts } = {}) {
      const created = await by.createFunction({
        body: {
          func_name: name,
          package: 'default',
          runtime: 'Node.js18.15',
          timeout: 30,
          handler: 'index.handler',
          memory_size: 128,
          code_type: 'zip',
          func_code: { file: packed(code) },
          user_data: JSON.stringify({ effects: effectsFile, gates }),
          ...facts,
        },
      });
      if (config !== undefined) await by.updateFunctionAsyncInvokeConfig({ function_urn: created.func_urn, body: config });
      return created.func_urn as string;
    },
    async deployCode(urn, code) {
      await sdk.updateFunctionCode({ function_urn: urn, body: { code_type: 'zip', func_code: { file: packed(code) } } });
    },
    effects(name) {
      // A process may have written the last line only in part so far.
      const lines = readFileSync(effectsFile, 'utf8').split('\n').slice(0, -1);
      const all = lines.map((line) => JSON.parse(line) as Effect);
      return all.filter((effect) => name === undefined || effect.function === name);
    },
    openGate: (gate) => writeFileSync(join(gates, gate), ''),
    async record(urn, id, matches = () => true, by = sdk) {
      return await until(`the record of ${id}`, async () => {
        const { invocations } = await by.listAsyncInvocations({ function_urn: urn, request_id: id, limit: otherLimit() });
        return invocations.find(matches);
      });
    },
    async crash() {
      await running.end('SIGKILL');
      running = await start();
      sdk = sdkFor(running.http, OWN);
      other = sdkFor(running.http, OTHER);
    },
    async [Symbol.asyncDispose]() {
      await running.end('SIGTERM');
      if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
    },
  };
  return system;
}

function packed(code: string): string {
  return zipOf([{ name: 'index.js', content: code }]).toString('base64');
}

type Serving = { nats: string; http: string; end(signal: NodeJS.Signals): Promise<void> };

async function startServe(args: readonly string[], env: Record<string, string>): Promise<Serving> {
  const child = spawnCli(['serve', '--start-server', '--nats-port', '0', '--http-port', '0', ...args, '--output', 'json'], { env });
  const closed = once(child, 'close');
  const { nats, http } = await readyFacts(child);
  return {
    nats,
    http,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await closed;
    },
  };
}

function readyFacts(child: ChildProcess): Promise<{ nats: string; http: string }> {
  let stdout = '';
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-20_000);
  });
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new Error(`sequent serve ended before it was ready:\n${stderr}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const found = /^sequent ready (\{.*\})$/m.exec(stdout)?.[1];
      if (found === undefined) return;
      const { url, http } = JSON.parse(found) as { url: string; http: string };
      resolve({ nats: url, http });
    });
  });
}

/**
 * The source of the function of most tests. The event decides what the function does. Each run is recorded in a file, which the tests
 * read.
 */
const HANDLER = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

exports.handler = async (event, context) => {
  const effects = context.getUserData('effects');
  const request = context.getRequestID();
  const effect = { function: context.getFunctionName(), request, version: context.getVersion(), event };
  appendFileSync(effects, JSON.stringify(effect) + '\\n');
  const { gate, fails, throws, bytes, returns, prints } = event ?? {};
  if (prints !== undefined) console.log(prints);
  if (gate !== undefined) while (!existsSync(join(context.getUserData('gates'), gate))) await delay(20);
  if (fails !== undefined) {
    const runs = readFileSync(effects, 'utf8').split('\\n').filter((line) => line.includes(request)).length;
    if (runs <= fails) throw new TypeError('run ' + runs + ' fails');
  }
  if (throws !== undefined) throw new RangeError(throws);
  if (bytes !== undefined) return 'x'.repeat(bytes);
  return returns ?? 'done';
};
`;
