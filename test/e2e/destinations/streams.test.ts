import { describe, expect } from 'vitest';
import { createSubjectRules } from '#src/core/names/addressable.ts';
import { createDisTarget } from '#src/destinations/targets/huawei/dis.ts';
import { createNatsTarget } from '#src/destinations/targets/nats.ts';
import { createDisStreams } from '#src/nats/streams/dis-streams.ts';
import { createPublications } from '#src/nats/streams/publications.ts';
import { connectionsOf, deliveryTo, neverAborted } from '#test/support/destinations/deliveries.ts';
import { type DeliveringSystem, startDeliveringSystem } from '#test/support/destinations/delivering-system.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const file = new URL('../../support/destinations/functions.mjs', import.meta.url).pathname;

const test = sharedByFile(startDeliveringSystem);
let sequent: DeliveringSystem;
test.beforeAll(({ sequent: own }) => {
  sequent = own;
});

/** Defines a function with one destination, and invokes it. */
async function invokeWithDestination(name: string, destination: 'NATS' | 'DIS', param: object): Promise<string> {
  await sequent.client.functions.put({
    name,
    handler: { kind: 'process', file, export: 'obey' },
    policy: { onSuccess: [{ destination, param }] },
  });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  return (await sequent.client.invoke(name, { value: name }, { traceparent })).requestId;
}

async function messagesOf(stream: string, subject: string) {
  const manager = await sequent.client.connection.nats.jetstreamManager();
  const { state } = await manager.streams.info(stream, { subjects_filter: subject });
  const count = state.subjects?.[subject] ?? 0;
  const last = count === 0 ? undefined : await manager.streams.getMessage(stream, { last_by_subj: subject });
  return { count, last };
}

describe('the NATS destination', () => {
  test('is stored by the stream of its subject, as a CloudEvent when configured so', async () => {
    const manager = await sequent.client.connection.nats.jetstreamManager();
    await manager.streams.add({ name: 'OUTCOMES', subjects: ['outcomes.>'] });
    const id = await invokeWithDestination('stored', 'NATS', { subject: 'outcomes.stored', cloudevents: true, headers: { team: 'blue' } });
    await sequent.log.untilNotified([id]);
    const { count, last } = await messagesOf('OUTCOMES', 'outcomes.stored');
    const { envelope } = await sequent.client.timeline(id);
    expect(count).toBe(1);
    expect(last?.json()).toEqual(envelope);
    expect(Object.fromEntries([...(last?.header ?? [])].map(([name, values]) => [name, values[0]]))).toEqual({
      team: 'blue',
      'content-type': 'application/json',
      'Nats-Msg-Id': `${id}/stored/nats-0`,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'ce-specversion': '1.0',
      'ce-id': `${id}/stored/nats-0`,
      'ce-source': 'urn:fss:local:default:function:default:stored:latest',
      'ce-type': 'sequent.invocation.succeeded',
      'ce-subject': id,
      'ce-time': envelope?.timestamp,
      'ce-datacontenttype': 'application/json',
    });
  });

  test('is refused when it is configured with a subject that no stream stores, with what to do', async () => {
    const configured = invokeWithDestination('nowhere', 'NATS', { subject: 'plain.nowhere' });
    await expect(configured).rejects.toThrow(
      'no stream stores subject "plain.nowhere", so a message could reach nobody; create a stream (nats stream add OUTCOMES --subjects ' +
        '"plain.nowhere"), or write "stored": false in the param',
    );
  });

  test('is received by a plain subscriber', async () => {
    const { nats } = sequent.client.connection;
    const subscription = nats.subscribe('plain.received', { max: 1 });
    await nats.flush();
    const id = await invokeWithDestination('received', 'NATS', { subject: 'plain.received', stored: false });
    for await (const message of subscription) expect(message.json()).toMatchObject({ request_context: { request_id: id } });
    await sequent.log.untilNotified([id]);
    expect(sequent.log.facts.get(id)?.map(({ type }) => type)).toContain('delivery.delivered');
  });

  test('is tried again while the subject has no subscriber', async () => {
    const id = await invokeWithDestination('unreceived', 'NATS', { subject: 'plain.unreceived', stored: false });
    const failed = await sequent.log.until((fact) => fact.type === 'delivery.failed' && fact.invocation === id);
    expect(failed).toMatchObject({ try: 1, reason: 'no stream stores subject "plain.unreceived"' });
    const { nats } = sequent.client.connection;
    const subscription = nats.subscribe('plain.unreceived', { max: 1 });
    await nats.flush();
    for await (const message of subscription) expect(message.json()).toMatchObject({ request_context: { request_id: id } });
    await sequent.log.untilNotified([id]);
    expect(sequent.log.facts.get(id)?.find(({ type }) => type === 'delivery.delivered')).toMatchObject({ try: expect.any(Number) });
  });

  test('is stored once under repetition', async () => {
    const { connection } = sequent.client;
    const target = createNatsTarget({
      publisher: createPublications(connection, sequent.log.ports.publisher),
      subjects: createSubjectRules(),
    });
    const request = deliveryTo('NATS', { subject: 'outcomes.repeated' });
    for (let i = 0; i < 3; i++) expect(await target.deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    expect((await messagesOf('OUTCOMES', 'outcomes.repeated')).count).toBe(1);
  });
});

describe('the built-in streams of the DIS destination', () => {
  test('have a record of the shape of DIS for each outcome', async () => {
    const id = await invokeWithDestination('pushed', 'DIS', { stream_name: 'results' });
    await sequent.log.untilNotified([id]);
    const { count, last } = await messagesOf('SEQUENT_DIS', 'dis.results');
    const { partition_key, data, timestamp } = last?.json<{ partition_key: string; data: string; timestamp: number }>() ?? {};
    const { envelope } = await sequent.client.timeline(id);
    expect(count).toBe(1);
    expect(partition_key).toBe(id);
    expect(timestamp).toBe(Date.parse(envelope?.timestamp ?? ''));
    expect(JSON.parse(Buffer.from(data ?? '', 'base64').toString())).toEqual(envelope);
  });

  test('have one record for each delivery under repetition', async () => {
    const { connection } = sequent.client;
    const streams = createDisStreams({ connection, publisher: sequent.log.ports.publisher, topology: { replicas: 1 } });
    const target = createDisTarget({
      connections: connectionsOf({}),
      http: { send: () => Promise.reject(new Error('nothing is sent')) },
      streams,
    });
    const request = deliveryTo('DIS', { stream_name: 'repeated' });
    for (let i = 0; i < 3; i++) expect(await target.deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    expect((await messagesOf('SEQUENT_DIS', 'dis.repeated')).count).toBe(1);
  });
});
