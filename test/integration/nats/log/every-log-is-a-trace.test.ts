import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import type { RequestId, StreamId } from '#src/core/names/names.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

const ID = 'order-1';
const name = { function: 'orders' as never, stream: ID as StreamId };
const started: Fact = {
  ...{ type: 'running', invocation: ID, at: Date.now(), attempt: 1, worker: 'w' },
  terms: { revision: 1, timeoutInMs: 1, maxRetries: 0, maxAgeInMs: 1, backoff: { initialInMs: 0, factor: 1, maxInMs: 0, jitter: 0 } },
};
const ended: Fact = { type: 'succeeded', invocation: ID, at: Date.now(), attempt: 1, payload: '1' };

/** Ends a server with a log of these facts of one invocation, as every test does. */
async function endServerWith(facts: readonly Fact[]): Promise<void> {
  await using server = await startTestServer();
  await using nats = await openNats(server.url);
  const { log } = nats.ports;
  const { sequence } = await log.accept(name, [{ id: ID as RequestId, payload: '1' }]);
  const request = await log.readRequest(sequence);
  const append = { id: 'a', by: 'w', request: sequence, previous: 0 as never, facts: [...facts], link: request?.hash };
  expect(await log.append(name, append, {})).toBeDefined();
}

test('the end of the server of a test fails when its log leaves the specification', async () => {
  await endServerWith([started, ended]);
  await expect(endServerWith([started, ended, { ...ended, payload: '2' }])).rejects.toThrow('orders order-1 leaves the specification');
});
