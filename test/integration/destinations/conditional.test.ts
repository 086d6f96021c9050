import { describe, expect } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import type { DestinationGraph } from '#src/gateway/api/functions/function-schemas.ts';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { runCliOn } from '#test/support/cli/cli.ts';
import { receiverConnection, toFunction, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, type Receiver } from '#test/support/destinations/receiver.ts';
import { receiverTest } from '#test/support/destinations/receiver-test.ts';
import { closeLater } from '#test/support/folder-fixture.ts';
import { type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';

const file = new URL('../../support/gateway/handlers.mjs', import.meta.url).pathname;
const handler = { kind: 'process', file, export: 'speak' } as const;
const isLoud = { of: 'response', path: '$.text', in: ['LOUD', 'LOUDER'] } as const;
const isCounted = { of: 'response', path: '$.text', greater: 3 } as const;
const isCanceled = { of: 'condition', equals: 'InvocationCanceled' } as const;

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
  const policy = {
    onSuccess: [
      { ...toFunction('mails'), when: isLoud },
      { ...toHttp(receiver.url), when: isCounted },
    ],
    onFailure: [{ ...toHttp(`${receiver.url}/canceled`), when: isCanceled }],
  };
  await client.functions.put({ name: 'speakers', handler, policy });
  await client.functions.put({ name: 'waiters', handler, policy, paused: true });
});
test.afterAll(async () => {
  await log?.[Symbol.asyncDispose]();
  await client?.close();
});

const webhooks = (): string[] => receiver.received.map(({ headers }) => String(headers['webhook-id']));

async function ended(id: string, body: object): Promise<InvocationView> {
  const headers = { 'idempotency-key': id };
  expect((await sequent.call('POST', '/api/functions/speakers/invocations', { body, headers })).status).toBe(202);
  await log.untilNotified([id]);
  return (await (await sequent.call('GET', `/api/invocations/${id}?function=speakers`)).json()) as InvocationView;
}

describe('a destination with a condition', () => {
  test('gets the outcomes for which it holds, and the others name the destination and why (WHEN1, WHEN2)', async () => {
    const loud = await ended('loud', { text: 'LOUD' });
    expect(loud.deliveries.map(({ destination_id, state }) => [destination_id, state])).toEqual([['functiongraph-0', 'delivered']]);
    expect(loud.not_sent).toMatchObject([
      {
        destination_id: 'http-1',
        when: 'response $.text greater 3',
        undecidable: '$.text of the response payload is no number',
      },
    ]);
    const child = firstChildOf('speakers', 'loud');
    await log.untilNotified([child]);
    const counted = await ended('counted', { text: 4 });
    expect(counted.deliveries.map(({ destination_id, state }) => [destination_id, state])).toEqual([['http-1', 'delivered']]);
    // A delivery arrives at least once.
    expect(new Set(webhooks().filter((id) => !id.includes('/waiters/')))).toEqual(new Set(['counted/speakers/http-1']));
    const quiet = await ended('quiet', { text: 2 });
    expect([quiet.deliveries, quiet.not_sent?.map(({ destination_id }) => destination_id)]).toEqual([[], ['functiongraph-0', 'http-1']]);
    expect(log.facts.get('quiet')?.map(({ type }) => type)).toEqual(['queued', 'running', 'succeeded', 'notified']);
    expect(log.facts.has(firstChildOf('speakers', 'quiet'))).toBe(false);
  });

  test('is decided by the canceller too, before any attempt', async () => {
    const { requestId } = await client.invoke('waiters', { text: 1 });
    await client.cancel(requestId);
    await expect.poll(webhooks, { timeout: 20_000 }).toContain(`${requestId}/waiters/http-0`);
  });

  test('is explained, and shown on the timeline and in the graph of the command line and of the API', async () => {
    await ended('explained', { text: 1 });
    const run = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runCliOn(sequent.server.url, args);
      expect([code, stderr]).toEqual([0, '']);
      return stdout.replaceAll(/\s+/g, ' ');
    };
    const not = 'when response $.text in ["LOUD","LOUDER"]';
    expect(await run('explain', 'explained')).toContain(`The outcome is not sent to functiongraph-0: ${not} does not hold.`);
    expect(await run('timeline', 'explained')).toContain(`not sent to functiongraph-0: ${not} does not hold`);
    expect(await run('dest', 'graph', 'speakers')).toContain('condition equals "InvocationCanceled"');
    expect(await run('fn', 'get', 'speakers')).toContain(not);
    const graph = (await (await sequent.call('GET', '/api/destinations/graph')).json()) as DestinationGraph;
    expect(graph.edges.find(({ from, to }) => from === 'speakers' && to === 'mails')).toEqual({
      from: 'speakers',
      to: 'mails',
      when: 'success',
      destination: 'FunctionGraph',
      only_when: 'response $.text in ["LOUD","LOUDER"]',
    });
  });

  test('is refused over HTTP with the field and what to write instead', async () => {
    const body = { onSuccess: [{ ...toFunction('mails'), when: { of: 'response', greater: 1 } }] };
    const refused = await sequent.call('PATCH', '/api/functions/mails/policy', { body, headers: { 'if-match': '*' } });
    expect([refused.status, await refused.json()]).toEqual([
      400,
      expect.objectContaining({
        errors: [{ pointer: '/onSuccess/0/when', detail: expect.stringContaining('has no "path"; write for example {"of": "response"') }],
      }),
    ]);
  });
});
