import { once } from 'node:events';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from 'nats';
import { describe, expect, vi } from 'vitest';
import { readConfiguration } from '#src/main/config/configuration.ts';
import { findNats } from '#src/main/config/find-nats.ts';
import { ServerStartError } from '#src/main/nats-server/errors.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { createServerFiles } from '#src/main/nats-server/files.ts';
import { findRunningServer } from '#src/main/nats-server/running.ts';
import type { EmbeddedServer, ServerEvent } from '#src/main/nats-server/start.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { freePort } from '#test/support/free-port.ts';
import { embeddedTest as test } from '#test/support/nats/embedded-fixtures.ts';
import { serversOn } from '#test/support/nats/embedded-servers.ts';
import { stopProcess } from '#test/support/nats/nats-server.ts';

/** The port is free between the end of a server and the next try to start it. */
const OFTEN = { timeout: 20_000, interval: 1 };

describe('an embedded server', () => {
  test('answers with JetStream on, and is gone after stop', async ({ dataDir, start }) => {
    const server = await start();
    await createStream(server);
    expect(await serversOn(dataDir)).toEqual([server.pid]);
    await server.stop();
    expect(await serversOn(dataDir)).toEqual([]);
  });

  test('keeps its store and its address from one start to the next', async ({ start }) => {
    const first = await start();
    await createStream(first);
    await first.stop();
    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await messagesIn(second)).toBe(1);
  });

  test('is found by its folder while it runs, and only then', async ({ dataDir, start }) => {
    const server = await start();
    const { url, pid, monitorUrl, keyFile } = server;
    expect(await findRunningServer(dataDir)).toEqual({ url, pid, monitorUrl, fsync: '100ms', keyFile });
    await server.stop();
    expect(await findRunningServer(dataDir)).toBeUndefined();
    expect(await findRunningServer(join(dataDir, 'elsewhere'))).toBeUndefined();
  });

  test('is the server of commands on its folder, before a selected nats context and after NATS_URL', async ({ dataDir, start }) => {
    const home = join(dataDir, 'home');
    await mkdir(join(home, '.config/nats/context'), { recursive: true });
    await writeFile(join(home, '.config/nats/context/staging.json'), '{"url":"nats://staging"}');
    await writeFile(join(home, '.config/nats/context.txt'), 'staging');
    const serversFor = async (env: Record<string, string>): Promise<string[]> =>
      (await findNats(readConfiguration({ flags: { data: dataDir }, env }), { HOME: home })).servers;
    const server = await start();
    expect(await serversFor({})).toEqual([server.url]);
    expect(await serversFor({ NATS_URL: 'nats://env' })).toEqual(['nats://env']);
    await server.stop();
    expect(await serversFor({})).toEqual(['nats://staging']);
  });

  test('that a signal stopped is named within seconds, and a command takes no other server for it', async ({ dataDir, start }) => {
    const { url, pid } = await start();
    const find = (env: Record<string, string>) => findNats(readConfiguration({ flags: { data: dataDir }, env }), { HOME: dataDir });
    stopProcess(pid);
    try {
      const startedAt = performance.now();
      const why = { code: 'NATS_SERVER_SILENT', message: expect.stringContaining(`process ${pid} is the nats-server of ${dataDir}`) };
      await expect(find({})).rejects.toMatchObject(why);
      await expect(find({ NATS_URL: url })).rejects.toMatchObject(why);
      expect(performance.now() - startedAt).toBeLessThan(9_000);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect((await find({})).servers).toEqual([url]);
    stopProcess(pid);
    const resumed = setTimeout(() => process.kill(pid, 'SIGCONT'), 500);
    expect((await find({})).servers).toEqual([url]);
    clearTimeout(resumed);
  });

  test('that has ended is not replaced by a stranger on the default port', async ({ dataDir, start }) => {
    const server = await start();
    await server.stop();
    const configuration = readConfiguration({ flags: { data: dataDir }, env: {} });
    await expect(findNats(configuration, { HOME: dataDir })).rejects.toMatchObject({ code: 'NATS_SERVER_ENDED' });
  });

  test('listens on the given port, and on another one when that port is taken', async ({ dataDir, start }) => {
    const port = await freePort();
    const other = createServer().listen({ host: '127.0.0.1', port });
    await once(other, 'listening');
    const elsewhere = await start({ port });
    expect(elsewhere.url).not.toBe(`nats://127.0.0.1:${port}`);
    await elsewhere.stop();
    other.close();
    await rm(createServerFiles(dataDir).record);
    expect((await start({ port })).url).toBe(`nats://127.0.0.1:${port}`);
  });

  test('tells its monitoring to nobody who does not know the data folder', async ({ start }) => {
    const { monitorUrl } = await start();
    const { origin, pathname } = new URL(monitorUrl);
    expect(pathname).toMatch(/^\/[0-9a-f]{32}$/);
    const asked = ['/', '/connz?subs=1', '/jsz?streams=1&callback=stolen', '/subsz', '/varz'];
    const replies = await Promise.all(asked.map((path) => fetch(origin + path)));
    expect(replies.map(({ status }) => status)).toEqual(asked.map(() => 404));
    expect((await fetch(`${monitorUrl}/jsz`)).status).toBe(200);
  });

  test.for([
    { fsync: '100ms', expected: { sync_interval: 100_000_000 } },
    { fsync: 'always', expected: { sync_always: true } },
    { fsync: 'default', expected: { sync_interval: 120_000_000_000 } },
  ] as const)('runs with the durability that was asked for: $fsync', async ({ fsync, expected }, { start }) => {
    const server = await start({ fsync });
    const status = (await (await fetch(`${server.monitorUrl}/varz`)).json()) as { jetstream: { config: unknown } };
    expect(status.jetstream.config).toMatchObject(expected);
  });

  test('that is killed is restarted on the same port, and its clients continue', async ({ start }) => {
    const events: ServerEvent['type'][] = [];
    const server = await start({ onEvent: ({ type }) => void events.push(type) });
    await createStream(server);
    const client = await connect({ ...optionsFor(server), maxReconnectAttempts: -1, reconnectTimeWait: 20 });
    for (let kills = 1; kills <= 3; kills++) {
      process.kill(server.pid, 'SIGKILL');
      await vi.waitFor(() => expect(events.filter((type) => type === 'restarted')).toHaveLength(kills), { timeout: 20_000 });
      await vi.waitFor(() => client.jetstream().publish('kept.x', '', { timeout: 500 }), { timeout: 20_000 });
    }
    expect(events).toEqual(['exited', 'restarted', 'exited', 'restarted', 'exited', 'restarted']);
    await client.close();
    expect(await messagesIn(server)).toBeGreaterThanOrEqual(4);
  });

  test('whose port is taken after a crash waits for that port, because its clients know no other', async ({ start }) => {
    const events: ServerEvent['type'][] = [];
    const server = await start({ onEvent: ({ type }) => void events.push(type) });
    const { url } = server;
    process.kill(server.pid, 'SIGKILL');
    const thief = createServer();
    await vi.waitFor(async () => {
      thief.listen({ host: '127.0.0.1', port: Number(new URL(url).port) });
      await once(thief, 'listening');
    }, OFTEN);
    await vi.waitFor(() => expect(events).toContain('restart-failed'), { timeout: 20_000 });
    thief.close();
    await vi.waitFor(() => expect(events).toContain('restarted'), { timeout: 20_000 });
    expect(server.url).toBe(url);
  });

  test('whose port is taken for a moment during its start is started again', async ({ dataDir, folder, start }) => {
    const first = await start();
    await first.stop();
    const bin = await binBesideAListener(folder, new URL(first.url).port);
    const second = await start({ bin });
    expect(await readFile(createServerFiles(dataDir).log, 'utf8')).toContain('address already in use');
    expect(second.url).toBe(first.url);
  });

  test('that is stopped during a restart leaves no process', async ({ dataDir, start }) => {
    const server = await start();
    process.kill(server.pid, 'SIGKILL');
    await server.stop();
    expect(await serversOn(dataDir)).toEqual([]);
  });

  test('that does not start reports the error of nats-server, and leaves no process', async ({ dataDir, start }) => {
    await symlink('/dev/null', join(dataDir, 'nats', 'jetstream'));
    const starting = start();
    await expect(starting).rejects.toThrow(ServerStartError);
    await expect(starting).rejects.toThrow(/not a directory/i);
    expect(await serversOn(dataDir)).toEqual([]);
  });

  test('that a signal ends during its start is reported with the signal', async ({ folder, start }) => {
    const bin = join(folder, 'killed');
    await writeFile(bin, '#!/bin/sh\nkill -9 $$\n', { mode: 0o755 });
    await expect(start({ bin })).rejects.toThrow(/was ended by SIGKILL/);
  });

  test('whose start is aborted leaves no process', async ({ dataDir, start }) => {
    const aborting = new AbortController();
    const starting = start({ signal: aborting.signal });
    aborting.abort();
    await expect(starting).rejects.toThrow(ServerStartError);
    expect(await serversOn(dataDir)).toEqual([]);
  });
});

/** A nats-server during whose first run another process listens on a port. */
async function binBesideAListener(folder: string, port: string): Promise<string> {
  const { bin } = await ensureServer();
  const [script, listener] = [join(folder, 'nats-server'), join(folder, 'listener.mjs')];
  await writeFile(
    listener,
    `import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
createServer().listen(${port}, '127.0.0.1', () => process.exit(spawnSync('${bin}', process.argv.slice(2)).status));
`,
  );
  const lines = ['#!/bin/sh', `[ -e $0.ran ] && exec '${bin}' "$@"`, 'touch $0.ran', `exec '${process.execPath}' ${listener} "$@"`];
  await writeFile(script, lines.join('\n'), { mode: 0o755 });
  return script;
}

async function createStream(server: Address): Promise<void> {
  const client = await connect(optionsFor(server));
  const manager = await client.jetstreamManager();
  await manager.streams.add({ name: 'KEPT', subjects: ['kept.>'] });
  await client.jetstream().publish('kept.x');
  await client.close();
}

type Address = Pick<EmbeddedServer, 'url' | 'keyFile'>;

function optionsFor({ url, keyFile }: Address) {
  return natsOptionsOf({ servers: url, nkeyFile: keyFile });
}

async function messagesIn(server: Address): Promise<number> {
  const client = await connect(optionsFor(server));
  const { state } = await (await client.jetstreamManager()).streams.info('KEPT');
  await client.close();
  return state.messages;
}
