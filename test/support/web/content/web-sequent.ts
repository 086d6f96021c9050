import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { serverFiles } from '#src/main/nats-server/files.ts';
import { type CliRun, runCli, spawnCli } from '#test/support/cli/cli.ts';
import { until } from '#test/support/conformance/until.ts';

const scriptedFunction = fileURLToPath(new URL('./scripted-function.mjs', import.meta.url));
const backendRoles = ['worker', 'scheduler', 'destinations', 'projection'];

/** The destination that invokes a function. */
export const functionDestination = (name: string) => ({
  destination: 'FunctionGraph',
  param: { func_urn: `urn:fss:local:default:function:default:${name}` },
});

type CallOptions = { method?: string; body?: unknown; headers?: Record<string, string> };
export type WebOptions = {
  /** Runs the gateway in a process of its own, which can be stopped and started again. */
  isGatewaySeparate?: boolean;
  deployExamples?: boolean;
  connections?: object;
  /** The content of the file of `--credentials`. Without it every caller has access. */
  credentials?: readonly object[];
  env?: Record<string, string>;
};

/** A running `sequent serve` with its pages, and with a NATS server and a data folder of its own. */
export interface WebSequent extends AsyncDisposable {
  /** The address of the pages. It stays the same when the gateway is started again. */
  readonly url: string;
  /** How a program of a test connects to the NATS server, as Sequent itself. */
  readonly address: { servers: string; nkeyFile: string };
  /** The link that signs a browser in, when the gateway made a token. */
  readonly login: string | undefined;
  /** Runs a command of `sequent` against this system. */
  run(args: readonly string[]): Promise<CliRun>;
  /** Sends a request to the HTTP API. Throws when it is refused. */
  call<Answer>(path: string, options?: CallOptions): Promise<Answer>;
  /** Defines a function that does what its events say (`scripted-function.mjs`). */
  define(name: string, settings?: object): Promise<void>;
  /** Resolves to the id of the request. */
  invoke(name: string, event?: unknown): Promise<string>;
  /** Resolves when the invocation meets the condition; by default, when it is notified. */
  invocation(id: string, matches?: (view: InvocationView) => boolean): Promise<InvocationView>;
  /** Opens a gate: attempts that wait for it continue. */
  openGate(gate: string): Promise<void>;
  stopGateway(): Promise<void>;
  startGateway(): Promise<void>;
}

/** Starts the system. Resolves when the read model answers. */
export async function startWebSequent(options: WebOptions = {}): Promise<WebSequent> {
  const { isGatewaySeparate = false, deployExamples = false, connections, credentials } = options;
  const folder = await mkdtemp(join(tmpdir(), 'sequent-web-'));
  const gates = join(folder, 'gates');
  await mkdir(gates);
  const fileOf = async (name: string, content: unknown): Promise<string> => {
    await writeFile(join(folder, name), JSON.stringify(content));
    return join(folder, name);
  };
  const env = {
    SEQUENT_LEASE_MS: '1500',
    SEQUENT_PATIENCE_MS: '1000',
    SEQUENT_LOG_LEVEL: 'warn',
    ...(connections === undefined ? {} : { SEQUENT_CONNECTIONS: await fileOf('connections.json', connections) }),
    ...(credentials === undefined ? {} : { SEQUENT_CREDENTIALS: await fileOf('credentials.json', credentials) }),
    ...options.env,
  };
  const data = ['--data', join(folder, 'data')];
  const roles = isGatewaySeparate ? backendRoles.flatMap((role) => ['--role', role]) : ['--http-port', '0'];
  const examples = deployExamples ? ['--deploy-examples'] : [];
  const backend = await serve(['--start-server', '--nats-port', '0', ...data, ...roles, ...examples], env);
  const openGateway = (port: number): Promise<Serving> =>
    serve(['--role', 'gateway', '--server', backend.url, '--http-port', String(port), ...data], env);
  let gateway = isGatewaySeparate ? await openGateway(0) : backend;
  const url = gateway.http ?? '';

  const call = async <Answer>(path: string, { method = 'GET', body, headers = {} }: CallOptions = {}): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  };
  // The read model starts in a process of its own and is ready later.
  const untilReady = () =>
    until('the lists answer', async () => {
      const token = tokenOf(gateway.login);
      const { status } = await fetch(`${url}/api/invocations`, token === undefined ? {} : { headers: { 'x-auth-token': token } });
      // With credentials of a test, the gateway refuses this request before it asks the read model.
      return status === 200 || (status === 401 && token === undefined) || undefined;
    });
  const dispose = async (): Promise<void> => {
    if (isGatewaySeparate) await gateway.end();
    await backend.end();
    await rm(folder, { recursive: true, force: true });
  };
  await untilReady().catch(async (error: unknown) => {
    await dispose();
    throw error;
  });

  return {
    url,
    address: { servers: backend.url, nkeyFile: serverFiles(join(folder, 'data')).key },
    login: gateway.login,
    run: (args) => runCli(args, { env: { SEQUENT_DATA: join(folder, 'data') } }),
    call,
    async define(name, settings = {}) {
      const body = { handler: { kind: 'process', file: scriptedFunction }, userData: { gates }, ...settings };
      await call(`/api/functions/${name}`, { method: 'PUT', body });
    },
    async invoke(name, event = {}) {
      return (await call<{ request_id: string }>(`/api/functions/${name}/invocations`, { method: 'POST', body: event })).request_id;
    },
    async invocation(id, matches = ({ state }) => state === 'notified') {
      return await until(`${id} meets the condition`, async () => {
        const view = await call<InvocationView>(`/api/invocations/${id}`);
        return matches(view) ? view : undefined;
      });
    },
    openGate: (gate) => writeFile(join(gates, gate), ''),
    stopGateway: () => gateway.end(),
    async startGateway() {
      gateway = await openGateway(Number(new URL(url).port));
      await untilReady();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** The token of the link that `--local-token auto` prints. */
export function tokenOf(link = ''): string | undefined {
  return new URLSearchParams(link.split('#')[1]).get('token') ?? undefined;
}

type Serving = { url: string; http?: string; login?: string; end(): Promise<void> };

async function serve(args: readonly string[], env: Record<string, string>): Promise<Serving> {
  // A short grace time: attempts may wait for a gate that stays closed.
  const child = spawnCli(['serve', ...args, '--grace', '100ms', '--output', 'json'], { env });
  const closed = once(child, 'close');
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-20_000);
  });
  const { url, http, login } = await new Promise<{ url: string; http?: string; login?: string }>((resolve, reject) => {
    let stdout = '';
    child.once('close', () => reject(new Error(`sequent serve ended before it was ready:\n${stderr}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const facts = /^sequent ready (\{.*\})$/m.exec(stdout)?.[1];
      if (facts !== undefined) resolve(JSON.parse(facts));
    });
  });
  return {
    url,
    ...(http === undefined ? {} : { http }),
    ...(login === undefined ? {} : { login }),
    async end() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await closed;
    },
  };
}
