import { expect, inject, test } from 'vitest';
import { createNatsExecutionProbe } from '#src/nats/questions/execution-probe.ts';
import { createNatsOpenRequests } from '#src/nats/questions/open-requests.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';

/** Ends only a test that hangs. */
const timeout = 30_000;

test('invalid questions are answered with no, and the connection that answered stays open', async () => {
  const connection = await openConnection({ servers: inject('natsUrl') });
  const asker = await openConnection({ servers: inject('natsUrl') });
  const ending = new AbortController();
  createNatsExecutionProbe(connection).answer('foreign-1', () => true, ending.signal);
  createNatsOpenRequests(connection).answer(async () => [], ending.signal);
  await connection.nats.flush();
  for (const garbage of ['garbage', '', '{}', '[', '\u0000']) {
    expect((await asker.nats.request('worker.foreign-1.runs', garbage, { timeout })).string()).toBe('no');
    expect((await asker.nats.request('scheduler.find', garbage, { timeout })).string()).toBe('null');
  }
  const valid = JSON.stringify({ invocation: 'x', attempt: 1 });
  expect((await asker.nats.request('worker.foreign-1.runs', valid, { timeout })).string()).toBe('yes');
  ending.abort();
  await asker.close();
  await connection.close();
});
