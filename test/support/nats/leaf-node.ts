import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect } from 'nats';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { makeCertificate } from '#test/support/destinations/certificate.ts';
import { freePort } from '#test/support/free-port.ts';

/** Two servers with a JetStream domain each: `hub`, and a leaf node of it. Both start TLS before their greeting. */
export interface LeafNode extends AsyncDisposable {
  readonly hubUrl: string;
  readonly leafUrl: string;
  /** The certificate of the authority that the clients must trust. */
  readonly caFile: string;
}

/** `users`: those of the leaf node. `hub`: the accounts of the hub; the leaf node connects each of `accounts` with that of the same name. */
type LeafNodeOptions = { users?: string; user?: object; hub?: string; accounts?: readonly string[] };

/** Starts both servers in a folder. Resolves when the leaf node reaches JetStream of the hub. */
export async function startLeafNode(
  folder: string,
  { users = '', user = {}, hub: hubAccounts = '', accounts = [] }: LeafNodeOptions = {},
): Promise<LeafNode> {
  const { cert, key } = await makeCertificate('localhost');
  const files = { caFile: join(folder, 'ca.pem'), keyFile: join(folder, 'key.pem') };
  writeFileSync(files.caFile, cert);
  writeFileSync(files.keyFile, key);
  const [hubPort, leafPort, joinPort] = [await freePort(), await freePort(), await freePort()];
  const common = (name: string, port: number): string => `
    server_name: ${name}
    listen: "127.0.0.1:${port}"
    jetstream { domain: ${name}, store_dir: "${join(folder, name)}" }
    tls { cert_file: "${files.caFile}", key_file: "${files.keyFile}", handshake_first: true }`;
  const entries = accounts.map((account) => `{ user: ${account}, password: pw, account: ${account} }`);
  const leafUsers = entries.length === 0 ? '' : `, authorization { users: [${entries.join(', ')}] }`;
  const remoteOf = (account?: string): string =>
    account === undefined
      ? `{ urls: ["nats-leaf://127.0.0.1:${joinPort}"] }`
      : `{ urls: ["nats-leaf://${account}:pw@127.0.0.1:${joinPort}"], account: ${account} }`;
  const remotes = accounts.length === 0 ? [remoteOf()] : accounts.map(remoteOf);
  const hub = await start(
    folder,
    'hub',
    `${common('hub', hubPort)}
    leafnodes { listen: "127.0.0.1:${joinPort}"${leafUsers} }
    ${hubAccounts}`,
  );
  const leaf = await start(folder, 'leaf', `${common('leaf', leafPort)}\nleafnodes { remotes: [${remotes.join(', ')}] }\n${users}`);
  const leafUrl = `tls://localhost:${leafPort}`;
  await untilHubAnswers({ servers: leafUrl, ...user, tls: { caFile: files.caFile, handshakeFirst: true } });
  return {
    hubUrl: `tls://localhost:${hubPort}`,
    leafUrl,
    caFile: files.caFile,
    async [Symbol.asyncDispose]() {
      await Promise.all([leaf(), hub()]);
    },
  };
}

/** Starts a server; the returned function kills it. */
async function start(folder: string, name: string, text: string): Promise<() => Promise<void>> {
  mkdirSync(join(folder, name), { recursive: true });
  const config = join(folder, `${name}.conf`);
  writeFileSync(config, text);
  const { bin } = await ensureServer();
  const server = spawn(bin, ['-c', config], { stdio: 'ignore' });
  await once(server, 'spawn');
  return async () => {
    server.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  };
}

async function untilHubAnswers(options: Parameters<typeof connect>[0]): Promise<void> {
  // Ends only a hang.
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      const nats = await connect({ ...options, reconnect: false });
      await nats.jetstreamManager({ domain: 'hub', timeout: 500 }).finally(() => nats.close());
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await setTimeout(20);
    }
  }
}
