import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { silentLogger } from '#src/core/ports/logger.ts';
import { watchFiles } from '#src/main/roles/files/watched-files.ts';
import { openRoleContext } from '#src/main/roles/role-context.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { createNkeySeed, publicNkeyOf } from '#src/nats/transport/connection/nkey.ts';
import { startConfiguredServer } from '#test/support/nats/configured-server.ts';
import { topology } from '#test/support/nats/opened-nats.ts';
import { createAuthority } from '#test/support/tls/authority.ts';

const folder = await mkdtemp(join(tmpdir(), 'sequent-reloaded-'));
afterAll(() => rm(folder, { recursive: true }));
const pathOf = (name: string): string => join(folder, name);
async function replace(name: string, content: string): Promise<void> {
  await writeFile(pathOf(`${name}.new`), content);
  await rename(pathOf(`${name}.new`), pathOf(name));
}

/** The users of these seeds, and clients with certificates of the authority in `clients.pem`. */
function lines(seed: string): string {
  const tls = `cert_file: "${pathOf('server.pem')}", key_file: "${pathOf('server.key')}", ca_file: "${pathOf('clients.pem')}", verify: true`;
  return `tls: { ${tls} }\nauthorization: { users: [{ nkey: ${publicNkeyOf(seed)} }] }\n`;
}

describe('a connection to NATS', () => {
  test('uses replaced credentials and TLS files when it connects again, and ignores broken ones', async () => {
    const [authority, clients, nextClients] = await Promise.all([
      createAuthority(),
      createAuthority('/CN=clients'),
      createAuthority('/CN=next'),
    ]);
    const [server, client, nextClient] = await Promise.all([
      authority.issue('/CN=server', ['DNS:localhost', 'IP:127.0.0.1']),
      clients.issue('/CN=client'),
      nextClients.issue('/CN=client'),
    ]);
    const [seed, nextSeed] = [createNkeySeed(), createNkeySeed()];
    const first = { 'server.pem': server.cert, 'server.key': server.key, 'clients.pem': clients.ca, 'ca.pem': authority.ca };
    const own = { 'client.pem': client.cert, 'client.key': client.key, seed };
    await Promise.all(Object.entries({ ...first, ...own }).map(([name, content]) => replace(name, content)));
    await using nats = await startConfiguredServer(lines(seed));
    const tls = { caFile: pathOf('ca.pem'), certFile: pathOf('client.pem'), keyFile: pathOf('client.key') };
    const connection = await openConnection({ role: 'gateway', ...natsOptionsOf({ servers: nats.url, nkeyFile: pathOf('seed'), tls }) });
    const reconnect = async (): Promise<void> => {
      const reconnected = new Promise<void>((resolve) => connection.onReconnect(resolve));
      await connection.nats.reconnect();
      await reconnected;
      await connection.nats.flush();
    };

    await Promise.all([replace('seed', 'no seed'), replace('client.pem', 'no certificate')]);
    await reconnect();

    const replaced = { 'clients.pem': nextClients.ca, 'client.pem': nextClient.cert, 'client.key': nextClient.key, seed: nextSeed };
    await Promise.all(Object.entries(replaced).map(([name, content]) => replace(name, content)));
    const reconnected = new Promise<void>((resolve) => connection.onReconnect(resolve));
    await nats.change(lines(nextSeed));
    // The server ends the connection of the user that it no longer has.
    await reconnected;
    await connection.nats.flush();
    await connection.close();
  });
});

describe('a role', () => {
  test('uses the connections of a replaced file, and keeps them when the next file is broken', async () => {
    const http = (host: string) => ({ http: { kind: 'http', hosts: [host] } });
    await replace('connections', JSON.stringify(http('one.example')));
    const files = watchFiles(silentLogger, { everyInMs: 20 });
    const connection = await openConnection({ servers: inject('natsUrl') });
    const settings = { connection, roles: [], topology, leaseInMs: 1_000, patienceInMs: 1_000, maxHops: 16, maxChain: 1_000 };
    const tenancy = { region: 'local', project: 'default' };
    const context = await openRoleContext({ ...settings, tenancy, connectionsFile: pathOf('connections'), files, logger: silentLogger });
    const picked = () => context.connections.pick('http');
    expect(picked()).toMatchObject({ connection: { hosts: ['one.example'] } });
    await replace('connections', JSON.stringify(http('two.example')));
    await expect.poll(picked).toMatchObject({ connection: { hosts: ['two.example'] } });
    await replace('connections', '{');
    await expect.poll(() => files.problems).toEqual([expect.stringContaining('is not valid JSON')]);
    expect(picked()).toMatchObject({ connection: { hosts: ['two.example'] } });
    files.close();
    context.closing.abort();
    context.ports.close();
    await connection.close();
  });
});
