import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { greetingOf } from '#src/main/nats-server/tether.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { startTcpProxy } from '#test/support/cluster/tcp-proxy.ts';
import { test } from '#test/support/fixtures.ts';
import { freePort } from '#test/support/free-port.ts';

test('a connection whose credentials the server refused for a while works again afterwards', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-auth-'));
  const port = await freePort();
  let server = await startServer({ folder, port, token: 'right' });
  try {
    const connection = await openConnection({ servers: `127.0.0.1:${port}`, token: 'right' });
    await end(server);
    server = await startServer({ folder, port, token: 'another' });
    await refusals(server, 3);
    await end(server);
    server = await startServer({ folder, port, token: 'right' });
    await expect.poll(() => connection.isConnected, { timeout: 10_000 }).toBe(true);
    await connection.nats.flush();
    await connection.close();
  } finally {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  }
});

test('what one turn of the event loop sends shares one write to the socket, in its order', async ({ server }) => {
  const connection = await openConnection({ servers: server.url });
  const { transport } = (connection.nats as unknown as { protocol: { transport: { send(bytes: Uint8Array): void } } }).protocol;
  const send = transport.send.bind(transport);
  const writes: string[] = [];
  transport.send = (bytes) => {
    // The client also answers a PING of the server, at any time.
    const text = Buffer.from(bytes).toString().replace('PONG\r\n', '');
    if (text !== '') writes.push(text);
    send(bytes);
  };
  for (const subject of ['one', 'two', 'three']) {
    connection.nats.publish(subject);
    await null;
  }
  await connection.nats.flush();
  expect(writes).toEqual([expect.stringMatching(/^PUB one .*PUB two .*PUB three .*PING\r\n$/s)]);
  await connection.close();
});

test('a request that is made without a connection is answered after the reconnection', async ({ server }) => {
  const connection = await openConnection({ servers: server.url });
  await server.kill();
  await expect.poll(() => connection.isConnected).toBe(false);
  const [answer] = await Promise.all([connection.nats.request('$JS.API.INFO', '', { timeout: 30_000 }), server.restart()]);
  expect(answer.json()).toMatchObject({ streams: 0 });
  await connection.close();
});

test('a request without a connection ends when its time is over', async ({ server }) => {
  const connection = await openConnection({ servers: server.url });
  await server.kill();
  await expect.poll(() => connection.isConnected).toBe(false);
  const startedAt = performance.now();
  await expect(connection.nats.request('$JS.API.INFO', '', { timeout: 500 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await connection.close();
});

test('a process that starts repeats a request of JetStream without an answer, and a client does not', async ({ server }) => {
  await using proxy = await startTcpProxy(Number(new URL(server.url).port));
  const problems: string[] = [];
  const ask = async (options: { onUnanswered?: (problem: string) => void }): Promise<unknown> => {
    const connection = await openConnection({ servers: `127.0.0.1:${proxy.port}` }, options);
    const lost = proxy.lose('$JS.API.STREAM.NAMES');
    const answer = connection.nats.request('$JS.API.STREAM.NAMES', '', { timeout: 300 });
    await Promise.all([lost, answer]).finally(() => connection.close());
    return (await answer).json();
  };
  expect(await ask({ onUnanswered: (problem) => problems.push(problem) })).toMatchObject({ total: 0 });
  // On a busy machine, a later try may have no answer in time either.
  expect(new Set(problems)).toEqual(new Set(['NATS does not answer $JS.API.STREAM.NAMES: it is asked again']));
  await expect(ask({})).rejects.toMatchObject({ code: 'TIMEOUT' });
});

test('a first connection with wrong credentials is refused at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-auth-'));
  const port = await freePort();
  const server = await startServer({ folder, port, token: 'right' });
  try {
    await expect(openConnection({ servers: `127.0.0.1:${port}`, token: 'wrong' })).rejects.toMatchObject({ code: 'NATS_UNAVAILABLE' });
  } finally {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  }
});

type Guarded = { folder: string; port: number; token: string };

/** Starts a server that requires a token. Resolves when the server answers. */
async function startServer({ folder, port, token }: Guarded): Promise<ChildProcess> {
  const { bin } = await ensureServer();
  const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder, '--auth', token];
  const server = spawn(bin, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const deadline = performance.now() + 10_000;
  while ((await greetingOf(port)) === undefined) if (performance.now() > deadline) throw new Error('the server does not answer');
  return server;
}

/** Resolves when the server has refused this number of connections. */
async function refusals({ stderr }: ChildProcess, most: number): Promise<void> {
  let said = '';
  for await (const chunk of stderr ?? []) {
    said += String(chunk);
    if (said.split('authentication error').length > most) return;
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
}
