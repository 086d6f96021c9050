import { NatsError } from 'nats';
import { expect, test } from 'vitest';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { ensureFound, ensureStream } from '#src/nats/transport/streams/ensure-stream.ts';

function apiError(code: number, description: string): NatsError {
  const error = new NatsError(description, '400');
  error.api_error = { code: 400, err_code: code, description };
  return error;
}

/** A cluster whose leader refuses a new stream with these errors, one after another, and then creates it. No real server does so on demand. */
function clusterThatRefuses(...errors: NatsError[]): { connection: Connection; created: () => boolean } {
  let isCreated = false;
  const streams = {
    info: () => Promise.reject(apiError(10_059, 'stream not found')),
    add: async (config: object) => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      isCreated = true;
      return { config };
    },
  };
  const manager = { streams, getAccountInfo: async () => ({ limits: {} }) };
  return { connection: { manager } as unknown as Connection, created: () => isCreated };
}

const offline = apiError(10_005, 'no suitable peers for placement, peer offline');

test('a stream waits for a server of the cluster that was not heard of yet, and says so once', async () => {
  const problems: string[] = [];
  const { connection, created } = clusterThatRefuses(offline, offline);
  await ensureStream(connection, { name: 'RESULTS', num_replicas: 3 }, (problem) => void problems.push(problem));
  expect(created()).toBe(true);
  expect(problems).toEqual([
    'the JetStream stream RESULTS waits for a server of the cluster: no suitable peers for placement, peer offline',
  ]);
});

test('a stream with more replicas than the cluster has servers is refused at once', async () => {
  const { connection } = clusterThatRefuses(apiError(10_005, 'no suitable peers for placement'));
  await expect(ensureStream(connection, { name: 'RESULTS', num_replicas: 5 })).rejects.toThrow('no suitable peers for placement');
});

test('a caller that read the stream before gets the configuration without a second read', async () => {
  const config = { name: 'INVOCATIONS', subjects: ['a'], max_age: 0, max_bytes: -1, max_consumers: 1_000_000 };
  const reads: string[] = [];
  const streams = {
    info: async (name: string) => void reads.push(name),
    add: async (given: object) => ({ config: given }),
    update: async (_: string, changed: object) => ({ config: { ...config, ...changed } }),
  };
  const connection = { nats: {}, manager: { streams, getAccountInfo: async () => ({ limits: {} }) } } as unknown as Connection;
  const given = { name: 'INVOCATIONS', subjects: ['a', 'b'] };
  expect(await ensureFound(connection, { given, found: undefined })).toMatchObject(given);
  expect(await ensureFound(connection, { given, found: { config } as never })).toMatchObject(given);
  expect(await ensureFound(connection, { given: { ...given, subjects: ['a'] }, found: { config } as never })).toBe(config);
  expect(reads).toEqual([]);
});
