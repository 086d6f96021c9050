import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { deferred } from '#src/core/deferred.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { watchBucket } from '#src/nats/watch-bucket.ts';

type Deliver = (error: null, message: object) => void;

/** A server whose bucket has these newest revisions, one for each question; it delivers what the test says. */
function openServer({ newest, subscribe }: { newest: number[]; subscribe: (deliver: Deliver) => Promise<unknown> }) {
  let reconnect = (): void => {};
  let asked = 0;
  const connection = {
    isConnected: true,
    nats: {
      async request() {
        const seq = newest[Math.min(asked++, newest.length - 1)] ?? 0;
        const found = { message: { subject: '$KV.REGISTRY.key', seq, time: new Date(0).toISOString() } };
        return { json: () => (seq === 0 ? { error: { err_code: 10_037 } } : found) };
      },
    },
    jetstream: {
      apiPrefix: '$JS.API',
      subscribe: (_: string, options: { callbackFn?: Deliver; getOpts(): { callbackFn?: Deliver } }) =>
        subscribe(options.getOpts().callbackFn ?? (() => {})),
    },
    onReconnect(listener: () => void) {
      reconnect = listener;
      return () => {};
    },
  } as unknown as Connection;
  return { connection, reconnect: () => reconnect(), asked: () => asked };
}

const entry = (key: string, seq: number) => ({
  subject: `$KV.REGISTRY.${key}`,
  data: new TextEncoder().encode(`value of ${key}`),
  seq,
  info: { timestampNanos: seq },
});

test.for([{ newest: 0 }, { newest: 1 }])(
  'a watch fails when the server does not confirm its consumer (newest revision $newest)',
  async ({ newest }) => {
    const { connection } = openServer({ newest: [newest], subscribe: () => Promise.reject(new Error('TIMEOUT')) });
    const stop = new AbortController();
    await expect(watchBucket(connection, { bucket: 'REGISTRY', onChange: () => {}, signal: stop.signal })).rejects.toThrow('TIMEOUT');
  },
);

test('a watch that two reconnections restart at once has one subscription, and none after its end', async () => {
  const open = new Set<object>();
  const { connection, reconnect } = openServer({
    newest: [0],
    async subscribe() {
      const subscription = { unsubscribe: () => void open.delete(subscription) };
      open.add(subscription);
      return subscription;
    },
  });
  const stop = new AbortController();
  await watchBucket(connection, { bucket: 'REGISTRY', onChange: () => {}, signal: stop.signal });
  reconnect();
  reconnect();
  await expect.poll(() => open.size).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(open.size).toBe(1);
  stop.abort();
  expect(open.size).toBe(0);
});

test('a watch starts when the newest entry was reported, and not before', async () => {
  let deliver: Deliver = () => {};
  const { connection } = openServer({
    newest: [2],
    async subscribe(toWatcher) {
      deliver = toWatcher;
      deliver(null, entry('one', 1));
      return { unsubscribe: () => {} };
    },
  });
  const stop = new AbortController();
  const heard: string[] = [];
  const started = watchBucket(connection, { bucket: 'REGISTRY', onChange: ({ key }) => heard.push(key), signal: stop.signal }).then(() =>
    heard.push('started'),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual(['one']);
  deliver(null, entry('two', 2));
  await started;
  expect(heard).toEqual(['one', 'two', 'started']);
  stop.abort();
});

test('the watch of a bucket whose newest entry vanishes meanwhile starts', async () => {
  const { connection, asked } = openServer({
    newest: [2, 1],
    async subscribe(deliver) {
      deliver(null, entry('one', 1));
      return { unsubscribe: () => {} };
    },
  });
  const stop = new AbortController();
  await watchBucket(connection, { bucket: 'REGISTRY', onChange: () => {}, signal: stop.signal });
  expect(asked()).toBe(2);
  stop.abort();
});

/** Whether a promise is settled, for a poll. */
function settling(promise: Promise<unknown>): () => boolean {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  return () => isSettled;
}

test('a watch that is ended while a restart starts it again ends at once', async () => {
  // The entry is never delivered.
  const { connection, reconnect } = openServer({ newest: [1], subscribe: async () => ({ unsubscribe: () => {} }) });
  const stop = new AbortController();
  const isOver = settling(watchBucket(connection, { bucket: 'REGISTRY', onChange: () => {}, signal: stop.signal }));
  reconnect();
  stop.abort();
  await expect.poll(isOver, { timeout: 3_000 }).toBe(true);
});

test('a watch starts when a restart overtakes an earlier one that the server refused', async () => {
  const [first, third] = [deferred<void>(), deferred<void>()];
  // The server answers the first and the third start late, and refuses the second one, which would be tried again after half a second.
  const answers = [() => first.promise, () => Promise.reject(new Error('no leader')), () => third.promise];
  let starts = 0;
  const { connection, reconnect } = openServer({
    newest: [0],
    async subscribe() {
      await answers[starts++]?.();
      return { unsubscribe: () => {} };
    },
  });
  const stop = new AbortController();
  const isOver = settling(watchBucket(connection, { bucket: 'REGISTRY', onChange: () => {}, signal: stop.signal }));
  reconnect();
  await new Promise((resolve) => setImmediate(resolve));
  reconnect();
  // Of two timers with the same time, the one that was set later fires later: then the pause of the refused restart is over.
  await delay(500);
  await new Promise((resolve) => setImmediate(resolve));
  third.resolve();
  first.resolve();
  await expect.poll(isOver, { timeout: 3_000 }).toBe(true);
  expect(starts).toBe(3);
  stop.abort();
});

test.for([{ by: 'delivers nothing' }, { by: 'refuses every watcher after a reconnection' }])(
  'a watch fails when the server $by before it has started',
  async ({ by }) => {
    const isRefusing = by !== 'delivers nothing';
    let reconnected = false;
    const { connection, reconnect } = openServer({
      newest: [2],
      async subscribe() {
        if (reconnected) throw new Error('no leader');
        return { unsubscribe: () => {} };
      },
    });
    const stop = new AbortController();
    const watched = watchBucket(connection, { bucket: 'REGISTRY', onChange: () => {}, signal: stop.signal, silentAfterMs: 1_000 });
    reconnected = isRefusing;
    if (isRefusing) reconnect();
    await expect(watched).rejects.toThrow('delivers nothing of the bucket REGISTRY');
    stop.abort();
  },
);

test('a watch that starts again reports the keys that are gone', async () => {
  const present = [[entry('stays', 1), entry('leaves', 2)], [entry('stays', 1)]];
  const { connection, reconnect } = openServer({
    newest: [2, 1],
    async subscribe(deliver) {
      for (const one of present.shift() ?? []) deliver(null, one);
      return { unsubscribe: () => {} };
    },
  });
  const stop = new AbortController();
  const heard: string[] = [];
  const onChange = ({ key, value }: { key: string; value?: string }): void => void heard.push(`${key}: ${value ?? 'gone'}`);
  await watchBucket(connection, { bucket: 'REGISTRY', onChange, signal: stop.signal });
  heard.length = 0;
  reconnect();
  await expect.poll(() => heard).toEqual(['stays: value of stays', 'leaves: gone']);
  stop.abort();
});
