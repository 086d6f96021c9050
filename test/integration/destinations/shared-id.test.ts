import { expect } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { receiverConnection, toFunction, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, type Receiver } from '#test/support/destinations/receiver.ts';
import { receiverTest } from '#test/support/destinations/receiver-test.ts';
import { closeLater } from '#test/support/folder-fixture.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';

const file = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file, export: 'greet' } as const;
/** One key of a client, used for two functions. */
const KEY = 'order-4711';
const parents = ['orders', 'bills'];

const test = receiverTest(answer(200)).extend('sequent', { scope: 'file' }, ({ receiver }, scope) =>
  closeLater(startSequent({ connections: { receiver: receiverConnection(receiver, { secret: undefined }) } }), scope),
);
let receiver: Receiver;
let sequent: RunningSequent;
let client: SequentClient;
let log: LogWatch;

test.beforeAll(async ({ receiver: ownReceiver, sequent: own }) => {
  receiver = ownReceiver;
  sequent = own;
  client = await connectClient({ servers: sequent.server.url });
  log = await watchLog(sequent.server.url);
  await client.functions.put({ name: 'mails', handler });
  const policy = { onSuccess: [toFunction('mails'), toHttp(receiver.url)] };
  for (const name of parents) await client.functions.put({ name, handler, policy });
});
test.afterAll(async () => {
  await log?.[Symbol.asyncDispose]();
  await client?.close();
});

test('two functions with one request id lead to a child each and to two webhook ids at one target (DLV1)', async () => {
  const body = { name: 'Ada' };
  const replies = await Promise.all(
    parents.map((name) => sequent.call('POST', `/api/functions/${name}/invocations`, { body, headers: { 'idempotency-key': KEY } })),
  );
  expect(replies.map(({ status }) => status)).toEqual([202, 202]);
  const children = parents.map((name) => firstChildOf(name, KEY));
  await log.untilNotified(children);
  for (const id of children) {
    expect(log.facts.get(id)?.find(({ type }) => type === 'queued')).toMatchObject({
      function: 'mails',
      lineage: { root: KEY, parent: KEY, hop: 1 },
    });
  }
  // A delivery arrives at least once.
  await expect
    .poll(() => new Set(receiver.received.map(({ headers }) => headers['webhook-id'])), { timeout: 40_000 })
    .toEqual(new Set([`${KEY}/bills/http-1`, `${KEY}/orders/http-1`]));
});
