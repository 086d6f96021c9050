import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'nats';
import { describe, expect } from 'vitest';
import { inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { SEQUENT_SUBJECTS } from '#src/core/names/subjects.ts';
import { readConfiguration } from '#src/main/config/configuration.ts';
import { findNats, respondersNats } from '#src/main/config/find-nats.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { createServerFiles } from '#src/main/nats-server/files.ts';
import { launchServer } from '#src/main/nats-server/launch.ts';
import { isEmbeddedServer } from '#src/main/nats-server/running.ts';
import { PERMISSION_ROLES } from '#src/nats/permissions/role-permissions.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { createNatsRequester, openRequesterConnection } from '#src/nats/transport/requester.ts';
import { embeddedTest as test } from '#test/support/nats/embedded-fixtures.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

describe('the users of an embedded server', () => {
  test('are Sequent, whose key only the owner of the folder can read, and an anonymous user', async ({ start, dataDir }) => {
    const { url, keyFile } = await start();
    expect(keyFile).toBe(join(createServerFiles(dataDir).folder, 'sequent.nk'));
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    await using owner = await openNats(natsOptionsOf({ servers: url, nkeyFile: keyFile }));
    await owner.ports.functions.put('hello', '{}');
    expect(await reachOf(url)).toEqual({ publish: ['invoke.*'], subscribe: ['_INBOX.>', 'result.*.*', 'result.*.*.*', 'result.>'] });
  });

  test('are asked for responders as a user who may publish to no subject of Sequent or of the server', async ({ start, dataDir }) => {
    const { url, keyFile } = await start();
    const settings = readConfiguration({ flags: { data: dataDir }, env: {} });
    const asker = respondersNats({ servers: [url], nkeyFile: keyFile }, settings);
    expect(asker.nkeyFile).toBe(join(createServerFiles(dataDir).folder, 'responders.nk'));
    expect(statSync(asker.nkeyFile ?? '').mode & 0o777).toBe(0o600);
    await using owner = await openNats(natsOptionsOf({ servers: url, nkeyFile: keyFile }));
    owner.connection.nats.subscribe('*.thumbs', { callback: (_, message) => void message.respond('done') });
    await owner.connection.nats.flush();
    const connection = await openRequesterConnection(natsOptionsOf(asker));
    const refused = new Set<string>();
    connection.refusals.listen(({ operation, subject }) => void refused.add(`${operation} ${subject}`));
    const inboxes = PERMISSION_ROLES.map((role) => `${inboxPrefixOf(role)}.x`);
    const server = ['$JS.API.INFO', '$KV.SEQUENT_FUNCTIONS.hello', '$SRV.PING', '_INBOX.x', 'sequent'];
    const forbidden = [...Object.values(SEQUENT_SUBJECTS).map((pattern) => pattern.replaceAll(/[*>]/g, 'x')), ...inboxes, ...server];
    for (const subject of forbidden) connection.nats.publish(subject);
    await connection.refusals.settle();
    expect(forbidden.filter((subject) => !refused.has(`publish ${subject}`))).toEqual([]);
    const never = new AbortController().signal;
    const ask = createNatsRequester(connection);
    expect(await ask('images.thumbs', Buffer.from('{}'), { headers: {}, timeoutInMs: 5_000, signal: never })).toMatchObject({
      kind: 'reply',
    });
    await connection.close();
  });

  test('hear none of the replies to Sequent when they are anonymous', async ({ start }) => {
    const { url, keyFile } = await start();
    const other = await connect({ servers: url });
    const heard: string[] = [];
    for (const subject of ['_INBOX.>', '_INBOX_sequent_operator.>', '>']) {
      other.subscribe(subject, { callback: (error, message) => error === null && heard.push(message.subject) });
    }
    await other.flush();
    await using owner = await openNats({ ...natsOptionsOf({ servers: url, nkeyFile: keyFile }), inboxPrefix: '_INBOX_sequent_operator' });
    await owner.ports.functions.put('hello', '{}');
    expect(await owner.ports.functions.keys()).toEqual(['hello']);
    await owner.ports.log.accept({ function: 'hello' as never, stream: 'a' as never }, [{ payload: '{}' }]);
    await other.flush();
    expect(heard).toEqual([]);
    await other.close();
  });

  test('are Sequent alone with anonymous off, also for the process that shares or restarts the server', async ({ start }) => {
    const server = await start({ anonymous: 'off' });
    await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow('Authorization Violation');
    const address = natsOptionsOf({ servers: server.url, nkeyFile: server.keyFile });
    const connection = await openConnection(address);
    const shared = await start({ anonymous: 'off' });
    expect(shared).toMatchObject({ adopted: true, pid: server.pid });
    const returned = new Promise<void>((resolve) => void connection.onReconnect(resolve));
    process.kill(server.pid, 'SIGKILL');
    await returned;
    expect(connection.isConnected).toBe(true);
    await connection.close();
  });
});

describe('the data folder of an earlier version', () => {
  test('gets a key and users at the next start, although its server still runs without them', async ({ start, dataDir }) => {
    const files = createServerFiles(dataDir);
    const { bin } = await ensureServer();
    const earlier = await launchServer(files, { bin, fsync: '100ms', detached: false });
    expect((await findNats(readConfiguration({ flags: { data: dataDir }, env: {} }), {})).nkeyFile).toBeUndefined();
    const server = await start();
    expect(server).toMatchObject({ adopted: false });
    expect(server.pid).not.toBe(earlier.pid);
    expect(readFileSync(server.keyFile, 'utf8')).toMatch(/^SU[A-Z2-7]{56}\n$/);
  });

  test('gets back the mode of its key file', async ({ start }) => {
    const first = await start();
    await first.stop();
    chmodSync(first.keyFile, 0o644);
    await start();
    expect(statSync(first.keyFile).mode & 0o777).toBe(0o600);
  });
});

describe('a command finds the server', () => {
  test('of its data folder before a selected context and the default, and that of no other folder', async ({ start, dataDir }) => {
    const { url } = await start();
    const home = join(dataDir, 'home', 'nats');
    mkdirSync(join(home, 'context'), { recursive: true });
    writeFileSync(join(home, 'context', 'staging.json'), JSON.stringify({ url: 'nats://staging' }));
    writeFileSync(join(home, 'context.txt'), 'staging');
    const env = { XDG_CONFIG_HOME: join(dataDir, 'home') };
    const find = async (data: string, variables: object) =>
      (await findNats(readConfiguration({ flags: { data }, env: {} }), { HOME: dataDir, ...variables })).servers;
    expect(await find(dataDir, env)).toEqual([url]);
    expect(await find(join(dataDir, 'elsewhere'), env)).toEqual(['nats://staging']);
    expect(await find(join(dataDir, 'elsewhere'), {})).toEqual(['nats://127.0.0.1:4222']);
  });
});

describe('a command finds the key', () => {
  test('of its data folder for the server of the folder, however the server is named', async ({ start, dataDir }) => {
    const { url, keyFile } = await start();
    const find = async (flags: object, env = {}) =>
      (await findNats(readConfiguration({ flags: { data: dataDir, ...flags }, env }), {})).nkeyFile;
    expect(await find({})).toBe(keyFile);
    expect(await find({}, { NATS_URL: url })).toBe(keyFile);
    expect(await find({ natsUrl: url.replace('127.0.0.1', 'localhost') })).toBe(keyFile);
    expect(await find({ natsUrl: url.replace('//', '//me:secret@') })).toBeUndefined();
    expect(await find({ natsUrl: 'nats://127.0.0.1:1' })).toBeUndefined();
    expect(await find({ natsUrl: url, data: join(dataDir, 'elsewhere') })).toBeUndefined();
    expect(await isEmbeddedServer(url)).toBe(true);
    rmSync(keyFile);
    expect(await find({ natsUrl: url })).toBeUndefined();
  });
});

/** The subjects of Sequent and of NATS that a client without credentials may address. */
async function reachOf(url: string): Promise<{ publish: string[]; subscribe: string[] }> {
  const { nats, refusals, close } = await openConnection({ servers: url }, { needsJetStream: false });
  const refused: string[] = [];
  refusals.listen(({ operation }) => void refused.push(operation));
  const others = ['$JS.API.>', '$KV.>', '$SRV.>', '_INBOX.>', '_INBOX_sequent_worker.>', 'result.>', 'fn.x', '>'];
  const reach = { publish: [] as string[], subscribe: [] as string[] };
  for (const pattern of new Set([...Object.values(SEQUENT_SUBJECTS), ...others])) {
    nats.publish(pattern.replaceAll(/[*>]/g, 'x'));
    nats.subscribe(pattern, { callback: () => {} });
    await refusals.settle();
    for (const operation of ['publish', 'subscribe'] as const) if (!refused.includes(operation)) reach[operation].push(pattern);
    refused.splice(0);
  }
  await close();
  return { publish: reach.publish.sort(), subscribe: reach.subscribe.sort() };
}
