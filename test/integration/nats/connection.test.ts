import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { greetingOf } from '#src/main/nats-server/tether.ts';
import { openConnection } from '#src/nats/transport/connection.ts';
import { unusedPort } from '#test/support/destinations/receiver.ts';

test('a connection whose credentials the server refused for a while works again afterwards', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-auth-'));
  const port = await unusedPort();
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

test('a first connection with wrong credentials is refused at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-auth-'));
  const port = await unusedPort();
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
