import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { readConfiguration } from '#src/main/config/configuration.ts';
import { findNats } from '#src/main/config/find-nats.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { type NatsOptions, openConnection } from '#src/nats/transport/connection/connection.ts';
import { test as base } from '#test/support/fixtures.ts';
import { startLeafNode } from '#test/support/nats/leaf-node.ts';
import { startSystem } from '#test/support/nats/running-system.ts';

const test = base
  .extend('leaf', async ({ folder }, { onCleanup }) => {
    const leaf = await startLeafNode(folder);
    onCleanup(async () => await leaf[Symbol.asyncDispose]());
    return leaf;
  })
  .extend('context', async ({ folder, leaf }) => {
    const content = { url: leaf.leafUrl, ca: leaf.caFile, tls_first: true, jetstream_domain: 'hub', inbox_prefix: '_INBOX_me' };
    await mkdir(join(folder, '.config/nats/context'), { recursive: true });
    await writeFile(join(folder, '.config/nats/context/leaf.json'), JSON.stringify(content));
    return 'leaf';
  });

test('every part works through a leaf node of another domain, with its own authority and TLS first', async ({ folder, context }) => {
  const { from: _, ...address } = await findNats(readConfiguration({ flags: { context } }), { HOME: folder });
  const options: NatsOptions = natsOptionsOf(address);
  const hello = (event: unknown) => Promise.resolve({ hello: event });
  await using system = await startSystem(options, new Map([['hello', hello]]));
  await using client = await connectClient(options);
  const results = await client.subscribe('hello');

  const invoked = await client.invoke('hello', { name: 'Ada' });
  expect(await invoked.result()).toMatchObject({ outcome: 'succeeded', value: { hello: { name: 'Ada' } } });
  await system.settled();
  expect((await client.timeline(invoked.requestId)).transitions.at(-1)).toMatchObject({ fact: { type: 'notified' } });
  for await (const result of results) {
    expect(result).toMatchObject({ requestId: invoked.requestId });
    break;
  }
  for await (const transition of client.transitions({ durable: 'pager', from: 1 })) {
    expect(transition.fact).toMatchObject({ type: 'queued' });
    transition.ack();
    break;
  }
  const archive = await writeZip([{ path: 'index.js', content: Buffer.from('exports.handler = () => 1') }]);
  const digest = await client.packages.put(archive);
  expect(Buffer.from((await client.packages.get(digest)) ?? [])).toEqual(archive);
  expect((await client.system()).streams.map(({ exists }) => exists)).toContain(true);
});

test('without a domain, a connection to a leaf node that has none of the streams says so', async ({ leaf }) => {
  const tls = { caFile: leaf.caFile, handshakeFirst: true };
  await expect(connectClient({ servers: leaf.leafUrl, tls })).rejects.toThrow('it has no stream INVOCATIONS');
  await expect(openConnection({ servers: leaf.leafUrl, tls, domain: 'nowhere' })).rejects.toThrow(
    'no server with the JetStream domain "nowhere" is connected to it',
  );
});
