import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runCli } from '#test/support/cli/cli.ts';
import { toFunction } from '#test/support/destinations/delivering-system.ts';
import { test as base } from '#test/support/fixtures.ts';

/* The first half minute of a new store: a power cut may take everything, the definitions of the streams included. */

const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file, export: 'slowly' } as const;
const test = base.override('serveArguments', ['--http-port', '0']).override('serveSettings', ({ folder }) => ({ SEQUENT_DATA: folder }));

test('roles that live on create a lost store again, and report the loss', async ({ server, sequent, client, folder }) => {
  const define = async (): Promise<void> => {
    await client.functions.put({ name: 'child', handler });
    await client.functions.put({ name: 'slowly', handler, policy: { onSuccess: [toFunction('child')] } });
  };
  const url = /http (http:\S+)/.exec(sequent.readyLine)?.[1] ?? '';
  const at = ['--server', server.url, '--data', folder];
  const childrenOf = async () => (await client.history.list({ function: 'child', limit: 10 })).invocations.map(({ state }) => state);
  await define();
  for (let i = 0; i < 3; i++) await (await client.invoke('slowly', { i })).result();
  await expect.poll(childrenOf).toEqual(['notified', 'notified', 'notified']);
  const acknowledged = await client.lastSequence();

  await server.kill();
  await rm(join(server.dataDir, 'nats', 'jetstream'), { recursive: true });
  await server.restart();
  // The registry was part of the store.
  await expect.poll(() => define().then(() => 'defined', String), { timeout: 30_000 }).toBe('defined');
  expect((await (await client.invoke('slowly', { i: 9 })).result()).value).toEqual({ attempt: 1, i: 9 });
  await expect.poll(childrenOf, { timeout: 30_000 }).toEqual(['notified']);
  const posted = await fetch(`${url}/api/functions/slowly/invocations`, { method: 'POST', body: '{"i":10}' });
  const { request_id: postedId } = (await posted.json()) as { request_id: string };
  expect((await client.result(postedId)).value).toMatchObject({ i: 10 });
  await expect.poll(async () => (await runCli(['loss', 'ls', ...at])).stdout, { timeout: 30_000 }).toContain(`≤ ${acknowledged}`);
  expect(sequent.stderr).toContain('the JetStream stream INVOCATIONS was missing, and was created again without its messages');
});
