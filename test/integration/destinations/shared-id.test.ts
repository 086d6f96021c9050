import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { receiverConnection, toFunction, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';

const file = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file, export: 'greet' } as const;
/** One key of a client, used for two functions. */
const KEY = 'order-4711';
const parents = ['orders', 'bills'];

let receiver: Receiver;
let sequent: RunningSequent;
let client: SequentClient;
let log: LogWatch;

beforeAll(async () => {
  receiver = await openReceiver(answer(200));
  sequent = await startSequent({ connections: { receiver: receiverConnection(receiver, { secret: undefined }) } });
  client = await connectClient({ servers: sequent.server.url });
  log = await watchLog(sequent.server.url);
  await client.functions.put({ name: 'mails', handler });
  const policy = { onSuccess: [toFunction('mails'), toHttp(receiver.url)] };
  for (const name of parents) await client.functions.put({ name, handler, policy });
});
afterAll(async () => {
  await log?.[Symbol.asyncDispose]();
  await client?.close();
  await sequent?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
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
  await expect
    .poll(() => receiver.received.map(({ headers }) => headers['webhook-id']).sort(), { timeout: 10_000 })
    .toEqual([`${KEY}/bills/http-1`, `${KEY}/orders/http-1`]);
});
