import { expect } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { DEFAULT_LIMITS, type RunningGateway, startGateway } from '#src/gateway/gateway.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { openApp } from '#test/support/gateway/opened-app.ts';
import { PROJECT, type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const handlers = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;
const MAX_IN_FLIGHT = 50;
const test = sharedByFile(() => startSequent({ with: ['projection'] }));
let sequent: RunningSequent;
let client: SequentClient;
/** A second gateway with low limits. */
let small: RunningGateway;

test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  await sequent.roles.registry.put({ name: 'greet', handler: { kind: 'process', file: handlers, export: 'greet' } });
  client = await connectClient({ servers: sequent.server.url });
  const { options } = await openApp();
  const limits = { ...DEFAULT_LIMITS, requestsInFlight: MAX_IN_FLIGHT };
  const isConnected = () => client.connection.isConnected;
  small = await startGateway({ ...options, client, isConnected, limits }, { host: '127.0.0.1', port: 0, isPortNegotiable: true });
  await eventually(async () => (await sequent.call('GET', '/api/invocations')).status === 200);
});
test.afterAll(async () => {
  await small?.stop(0);
  await client?.close();
});

type Reply = { status: number; retryAfter: string | null; body: { request_id?: string; error_code?: string } };

async function post(n: number): Promise<Reply> {
  const path = `/v2/${PROJECT}/fgs/functions/greet/invocations-async`;
  const reply = await fetch(small.url + path, { method: 'POST', body: JSON.stringify({ name: `n${n}` }) });
  return { status: reply.status, retryAfter: reply.headers.get('retry-after'), body: (await reply.json()) as Reply['body'] };
}

test('requests over the limit are refused with 429 before acceptance, and no accepted request is lost', async () => {
  // The server is paused, so that requests accumulate until the gateway refuses some.
  sequent.server.pause();
  let refusals = 0;
  const replies = await Promise.all(
    Array.from({ length: 3 * MAX_IN_FLIGHT }, async (_, n) => {
      const reply = await post(n);
      if (reply.status === 429 && ++refusals === 2 * MAX_IN_FLIGHT) sequent.server.resume();
      return reply;
    }),
  );
  const accepted = replies.filter(({ status }) => status === 202);
  expect(accepted).toHaveLength(MAX_IN_FLIGHT);
  for (const { status, retryAfter, body } of replies.filter((reply) => reply.status !== 202))
    expect([status, retryAfter, body.error_code]).toEqual([429, '1', 'FSS.0429']);

  // Exactly the accepted requests ran.
  type Listed = { invocations: { request_id: string }[] };
  const list = async () => (await (await sequent.call('GET', '/api/invocations?function=greet&state=notified&limit=500')).json()) as Listed;
  await eventually(async () => (await list()).invocations.length === MAX_IN_FLIGHT);
  const ids = new Set((await list()).invocations.map(({ request_id }) => request_id));
  expect(ids).toEqual(new Set(accepted.map(({ body }) => body.request_id)));
});
