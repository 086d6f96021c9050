import { beforeAll, describe, expect, test } from 'vitest';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createDisTarget, type DisRecord } from '#src/destinations/targets/huawei/dis.ts';
import type { Publication } from '#src/destinations/targets/publication.ts';
import {
  accessKeyId,
  canaries,
  canariesIn,
  connectionsOf,
  deliveryTo,
  envelope,
  neverAborted,
  plantCanaries,
  secretAccessKey,
} from '#test/support/destinations/deliveries.ts';
import { huaweiGateway } from '#test/support/destinations/huawei-gateway.ts';
import { answer, openReceiver, type Receiver, type Reply } from '#test/support/destinations/receiver.ts';

beforeAll(plantCanaries);

const keys = { accessKeyId, secretAccessKey };

function targetFor(connections: Record<string, unknown>, publication: Publication = { kind: 'stored' }) {
  const records: DisRecord[] = [];
  const streams = {
    async publishRecord(record: DisRecord) {
      records.push(record);
      return publication;
    },
  };
  return { records, target: createDisTarget({ connections: connectionsOf(connections), http: createVettedHttp(), streams }) };
}

const disAt = ({ url }: Receiver, credentials: object = keys) => ({
  dis: { kind: 'dis', endpoint: url, projectId: 'project', allowPrivate: true, ...credentials },
});
const delivery = (facts = {}) => deliveryTo('DIS', { stream_name: 'outcomes' }, facts);
const result = (failed_record_count: number, record: object = {}) =>
  answer(200, {}, JSON.stringify({ failed_record_count, records: [record] }));

describe('the DIS target, without a connection', () => {
  test('appends a record of the shape of DIS to a stream of Sequent', async () => {
    const { target, records } = targetFor({});
    const request = delivery({ requestId: 'r' });
    expect(await target.deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    expect(records).toEqual([
      {
        stream: 'outcomes',
        partitionKey: 'r',
        data: Buffer.from(envelope).toString('base64'),
        timestamp: request.acceptedAt,
        deliveryId: 'r-dis-0',
      },
    ]);
  });

  test('keeps the streams of projects apart: a stream of another project has the project in its name', async () => {
    const { target, records } = targetFor({});
    await target.deliver(delivery({ functionName: 'b=orders' }), neverAborted);
    expect(records.map(({ stream }) => stream)).toEqual(['b=outcomes']);
  });

  test.each<[Publication, object]>([
    [{ kind: 'no-responders' }, { kind: 'failed', reason: 'no stream stores DIS stream "outcomes"' }],
    [
      { kind: 'failed', reason: 'timeout' },
      { kind: 'failed', reason: 'DIS stream "outcomes" did not store the message: timeout' },
    ],
    [
      { kind: 'refused', reason: 'too large' },
      { kind: 'dead', reason: 'DIS stream "outcomes" refused the message: too large' },
    ],
  ])('after %o it is %o', async (publication, expected) => {
    expect(await targetFor({}, publication).target.deliver(delivery(), neverAborted)).toEqual(expected);
  });

  test('refuses a missing connection and invalid names', () => {
    const { target } = targetFor({});
    expect(target.refuse('{"stream_name":"outcomes"}', 'orders')).toBeUndefined();
    expect(target.refuse('{"stream_name":"outcomes","connection":"mine"}', 'orders')).toBe(
      'insufficient permission: no connection "mine" of the kind "dis" is configured',
    );
    expect(target.refuse('{"stream_name":"a.b"}', 'orders')).toBe('param.stream_name must be 1 to 64 letters, digits, "-" or "_"');
    expect(target.limitKeyOf({ id: 'dis-0', destination: 'DIS', param: '{"stream_name":"outcomes"}' })).toBe('DIS outcomes');
  });
});

const gateway = (reply: Reply): Reply =>
  huaweiGateway({ ak: canaries.SEQUENT_TEST_ACCESS_KEY, sk: canaries.SEQUENT_TEST_SECRET_KEY }, reply);

describe('the DIS target, with a connection', () => {
  test('uploads a signed record by the REST protocol', async () => {
    await using receiver = await openReceiver(gateway(result(0, { partition_id: 'shardId-0000000000', sequence_number: '1' })));
    const { target, records } = targetFor(disAt(receiver));
    expect(await target.deliver(delivery({ requestId: 'r' }), neverAborted)).toEqual({ kind: 'delivered' });
    expect(receiver.received[0]).toMatchObject({ method: 'POST', path: '/v2/project/records' });
    expect(JSON.parse(receiver.received[0]?.body ?? '')).toEqual({
      stream_name: 'outcomes',
      records: [{ data: Buffer.from(envelope).toString('base64'), partition_key: 'r' }],
    });
    expect(records).toEqual([]);
  });

  test('signs nothing when it has a token', async () => {
    await using receiver = await openReceiver(result(0));
    const { target } = targetFor(disAt(receiver, { token: { env: 'SEQUENT_TEST_TOKEN' } }));
    expect(await target.deliver(delivery(), neverAborted)).toEqual({ kind: 'delivered' });
    expect(receiver.received[0]?.headers).toMatchObject({ 'x-auth-token': canaries.SEQUENT_TEST_TOKEN });
    expect(receiver.received[0]?.headers).not.toHaveProperty('authorization');
  });

  test('is dead with that reason when the secret is wrong', async () => {
    await using receiver = await openReceiver(gateway(result(0)));
    const { target } = targetFor(disAt(receiver, { accessKeyId, secretAccessKey: { env: 'SEQUENT_TEST_WRONG_KEY' } }));
    const said = await target.deliver(delivery(), neverAborted);
    expect(said).toEqual({
      kind: 'dead',
      reason: 'insufficient permission: DIS stream "outcomes" of connection "dis" refused the credentials (401)',
    });
    expect(canariesIn(JSON.stringify(said))).toEqual([]);
  });

  test.each<[string, Reply, object]>([
    [
      'a record that failed',
      result(1, { error_code: 'DIS.4303' }),
      { kind: 'failed', reason: expect.stringMatching(/did not store the record \(DIS\.4303\)$/) },
    ],
    [
      'a record that failed for a reason of its own',
      result(1, { error_code: 'canary' }),
      { kind: 'failed', reason: expect.stringMatching(/the record$/) },
    ],
    ['200 without a result', answer(200, {}, 'ok'), { kind: 'failed', reason: expect.stringMatching(/did not say whether/) }],
    ['429', answer(429, { 'retry-after': '5' }), { kind: 'failed', retryAfterInMs: 5_000 }],
    ['500', answer(500), { kind: 'failed' }],
    ['400', answer(400), { kind: 'dead' }],
    ['404', answer(404), { kind: 'dead', reason: 'DIS stream "outcomes" of connection "dis" does not exist (404)' }],
  ])('after %s it is as it must be', async (_what, reply, expected) => {
    await using receiver = await openReceiver(reply);
    expect(await targetFor(disAt(receiver)).target.deliver(delivery(), neverAborted)).toMatchObject(expected);
  });

  test('fails with the name of a missing secret, so it is tried again', async () => {
    await using receiver = await openReceiver();
    const { target } = targetFor(disAt(receiver, { token: { env: 'SEQUENT_TEST_UNSET' } }));
    expect(await target.deliver(delivery(), neverAborted)).toEqual({
      kind: 'failed',
      reason:
        'insufficient permission: connection "dis" cannot be used: its token cannot be read from the environment variable SEQUENT_TEST_UNSET',
    });
    expect(receiver.connections).toBe(0);
  });
});
