import type { KV } from 'nats';
import { expect, test } from 'vitest';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { watchBucket } from '#src/nats/watch-bucket.ts';

const connection = {
  jetstream: { subscribe: () => Promise.reject(new Error('TIMEOUT')) },
  onReconnect: () => () => {},
} as unknown as Connection;

/** A bucket with these keys. */
const bucketOf = (...keys: string[]): Pick<KV, 'keys'> => ({
  keys: async () =>
    Object.assign(
      (async function* () {
        yield* keys;
      })(),
      { stop: () => {} },
    ) as never,
});

test.for([{ keys: [] }, { keys: ['key'] }])(
  'the watch of a bucket with $keys fails when the server does not confirm its consumer',
  async ({ keys }) => {
    const stop = new AbortController();
    const watching = watchBucket(connection, bucketOf(...keys), { bucket: 'REGISTRY', onChange: () => {}, signal: stop.signal });
    await expect(watching).rejects.toThrow('TIMEOUT');
  },
);

/** A connection whose subscriptions are confirmed at once, and report nothing. */
function openConnection() {
  const open = new Set<object>();
  let reconnect = (): void => {};
  const connection = {
    jetstream: {
      async subscribe() {
        const subscription = { unsubscribe: () => void open.delete(subscription) };
        open.add(subscription);
        return subscription;
      },
    },
    onReconnect(listener: () => void) {
      reconnect = listener;
      return () => {};
    },
  } as unknown as Connection;
  return { connection, open, reconnect: () => reconnect() };
}

test('a watch that two reconnections restart at once has one subscription, and none after its end', async () => {
  const { connection, open, reconnect } = openConnection();
  const stop = new AbortController();
  await watchBucket(connection, bucketOf(), { bucket: 'REGISTRY', onChange: () => {}, signal: stop.signal });
  reconnect();
  reconnect();
  await expect.poll(() => open.size).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(open.size).toBe(1);
  stop.abort();
  expect(open.size).toBe(0);
});

test('the watch of a key that vanishes between its listing and the subscription starts', async () => {
  const { connection } = openConnection();
  let lists = 0;
  const kv = { keys: (filter?: string) => bucketOf(...(lists++ === 0 ? ['vanished'] : [])).keys(filter) };
  const stop = new AbortController();
  await watchBucket(connection, kv, { bucket: 'REGISTRY', onChange: () => {}, signal: stop.signal });
  expect(lists).toBe(2);
  stop.abort();
});
