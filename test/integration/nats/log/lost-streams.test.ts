import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import { createSignatureLog } from '#src/nats/streams/signature-log.ts';
import { createEnsuredStreams } from '#src/nats/transport/streams/ensured-streams.ts';
import { FUNCTIONS_BUCKET, INVOCATIONS, SIGNATURES, signaturesStream } from '#src/nats/wire/topology.ts';
import { test } from '#test/support/fixtures.ts';
import { openNats, topology } from '#test/support/nats/opened-nats.ts';
import { startSystem } from '#test/support/nats/running-system.ts';

/* Each test deletes streams of a server of its own, and waits for the next check of the streams. */

/** The streams are checked every five seconds. */
const CREATED_WITHIN_MS = 20_000;

test.concurrent('a log that is deleted under running roles is created again, and its first request is processed', async ({
  server,
  expect,
}) => {
  await using system = await startSystem(server.url, new Map([['orders', async () => 'done']]));
  await system.resultOf(await system.publish('orders', '{}'));
  // The worker saves such a floor every five seconds.
  await system.ports.state.put('floor.fn-orders', '500');
  await system.connection.manager.streams.delete(INVOCATIONS);
  const publish = () => system.publish('orders', '{}').catch(() => 0);
  await expect.poll(publish, { timeout: CREATED_WITHIN_MS }).toBe(1);
  expect((await system.resultOf(1)).envelope.response_payload).toBe('done');
  await system.settled();
});

test.concurrent('a bucket that is deleted is created again, and its watchers notice new definitions', async ({ server, expect }) => {
  await using mine = await openNats(server.url);
  await using theirs = await openNats(server.url);
  const registry = createFunctionRegistry(theirs.ports.functions);
  const stop = new AbortController();
  const directory = await openFunctionDirectory(mine.ports.functions, { signal: stop.signal });
  const timeouts = () => [...directory.names()].map((name) => directory.get(name)?.definition.timeoutInMs);
  const put = (timeoutInMs: number) => registry.put({ name: 'orders', handler: { kind: 'inline' }, timeoutInMs });
  expect((await put(1_000)).revision).toBe(1);
  await expect.poll(timeouts).toEqual([1_000]);
  await mine.connection.manager.streams.delete(`KV_${FUNCTIONS_BUCKET}`);
  await expect
    .poll(
      () =>
        put(2_000).then(
          ({ revision: first }) => first,
          () => 0,
        ),
      { timeout: CREATED_WITHIN_MS },
    )
    .toBe(1);
  await expect.poll(timeouts, { timeout: CREATED_WITHIN_MS }).toEqual([2_000]);
  stop.abort();
});

test.concurrent('a reader of signatures receives those of a stream that was created again', async ({ server, expect }) => {
  await using mine = await openNats(server.url);
  await using theirs = await openNats(server.url);
  for (const { ports } of [mine, theirs]) await ports.streams.add(signaturesStream(topology));
  const heard: number[] = [];
  const stop = new AbortController();
  const signatures = createSignatureLog(theirs.connection);
  for (const key of [1, 2, 3]) {
    signatures.publish({ signedAt: 1, key });
    await expect.poll(async () => (await mine.connection.manager.streams.info(SIGNATURES.name)).state.last_seq).toBe(key);
  }
  await createSignatureLog(mine.connection).subscribe(({ key }) => heard.push(key), stop.signal);
  expect(heard).toEqual([1, 2, 3]);
  await mine.connection.manager.streams.delete(SIGNATURES.name);
  const { streams } = mine.connection.manager;
  await expect
    .poll(
      () =>
        streams.info(SIGNATURES.name).then(
          () => true,
          () => false,
        ),
      { timeout: CREATED_WITHIN_MS },
    )
    .toBe(true);
  signatures.publish({ signedAt: 1, key: 4 });
  await expect.poll(() => heard, { timeout: CREATED_WITHIN_MS }).toEqual([1, 2, 3, 4]);
  stop.abort();
});

test.concurrent('streams that had several replicas are not created again, and each is reported once', async ({ server, expect }) => {
  await using mine = await openNats(server.url);
  const { connection } = mine;
  const problems: string[] = [];
  const streams = createEnsuredStreams(connection, (problem) => problems.push(problem));
  streams.keep({ name: 'ONE', subjects: ['one'], num_replicas: 3 }, { name: 'TWO', subjects: ['two'], num_replicas: 3 });
  const both = ['ONE', 'TWO'].map((name) =>
    expect.stringMatching(new RegExp(`^the JetStream stream ${name} is missing: .* restart a role`)),
  );
  await expect.poll(() => problems, { timeout: CREATED_WITHIN_MS }).toEqual(both);
  // Two further checks, of which the second one is over when a stream that was kept meanwhile was created.
  for (const name of ['THREE', 'FOUR']) {
    streams.keep({ name, subjects: [name] });
    await expect.poll(() => problems.length, { timeout: CREATED_WITHIN_MS }).toBe(name === 'THREE' ? 3 : 4);
  }
  streams.close();
  expect(problems.slice(2)).toEqual(['THREE', 'FOUR'].map((name) => expect.stringContaining(`${name} was missing, and was created again`)));
  for (const name of ['ONE', 'TWO']) await expect(connection.manager.streams.info(name)).rejects.toThrow('stream not found');
});
