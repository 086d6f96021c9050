import type { KV } from 'nats';
import { expect, test } from 'vitest';
import type { Connection } from '#src/nats/transport/connection.ts';
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
