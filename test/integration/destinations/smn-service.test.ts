import { beforeAll, describe, expect, test } from 'vitest';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import type { VettedRequest } from '#src/destinations/http/vetted-request.ts';
import { createDisTarget } from '#src/destinations/targets/huawei/dis.ts';
import { createSmnTarget } from '#src/destinations/targets/huawei/smn.ts';
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

const keys = { ak: canaries.SEQUENT_TEST_ACCESS_KEY, sk: canaries.SEQUENT_TEST_SECRET_KEY };
const region = 'cn-north-4';
const projectId = '0123456789abcdef0123456789abcdef';
const topic = `urn:smn:${region}:${projectId}:outcomes`;
const published = answer(200, {}, '{"request_id":"r","message_id":"m"}');

const serviceAt = ({ url }: Receiver, more: object = {}) => ({
  smn: { kind: 'smn', endpoint: url, projectId, accessKeyId, secretAccessKey, allowPrivate: true, timeoutInMs: 20_000, ...more },
});
const targetFor = (connections: Record<string, unknown>) =>
  createSmnTarget({ connections: connectionsOf(connections), http: createVettedHttp() });
const delivery = () => deliveryTo('SMN', { topic_urn: topic }, { requestId: 'r-1' });

describe('the SMN target, with the service of the vendor', () => {
  test('publishes by a signed call that a gateway accepts which recomputes the signature', async () => {
    await using receiver = await openReceiver(huaweiGateway(keys, published));
    expect(await targetFor(serviceAt(receiver)).deliver(delivery(), neverAborted)).toEqual({ kind: 'delivered' });
    const [received] = receiver.received;
    expect(received).toMatchObject({
      method: 'POST',
      path: `/v2/${projectId}/notifications/topics/${topic}/publish`,
      headers: { 'content-type': 'application/json', 'x-project-id': projectId },
    });
    expect(JSON.parse(received?.body ?? '')).toEqual({ subject: 'orders:latest succeeded (r-1)', message: envelope });
  });

  test('is dead with that reason when the secret key is wrong', async () => {
    await using receiver = await openReceiver(huaweiGateway(keys, published));
    const wrong = serviceAt(receiver, { secretAccessKey: { env: 'SEQUENT_TEST_WRONG_KEY' } });
    const said = await targetFor(wrong).deliver(delivery(), neverAborted);
    expect(said).toEqual({
      kind: 'dead',
      reason: `insufficient permission: topic "${topic}" of connection "smn" refused the credentials (401)`,
    });
    expect(canariesIn(JSON.stringify(said))).toEqual([]);
  });

  test.for<[string, Reply, object]>([
    ['404', answer(404), { kind: 'dead', reason: `topic "${topic}" of connection "smn" does not exist (404)` }],
    ['429', answer(429, { 'retry-after': '5' }), { kind: 'failed', retryAfterInMs: 5_000 }],
    ['500', answer(500), { kind: 'failed' }],
    ['200 without a message id', answer(200, {}, 'ok'), { kind: 'failed', reason: expect.stringMatching(/did not say whether/) }],
  ])('after %s it is as it must be', async ([, reply, expected]) => {
    await using receiver = await openReceiver(reply);
    expect(await targetFor(serviceAt(receiver)).deliver(delivery(), neverAborted)).toMatchObject(expected);
  });

  test('refuses a topic of another project, region or list, and a text that is no URN of a topic', async () => {
    await using receiver = await openReceiver();
    const target = targetFor(serviceAt(receiver, { region, topicUrns: [topic] }));
    const refusal = (urn: string) => target.refuse(JSON.stringify({ topic_urn: urn }), 'orders');
    expect(refusal(topic)).toBeUndefined();
    expect(refusal(topic.replace(projectId, 'other'))).toContain(`must name project ${projectId}`);
    expect(refusal(topic.replace(region, 'eu-west-0'))).toContain(`must name region ${region}`);
    expect(refusal(`${topic}-2`)).toBe('param.topic_urn is not a topic of connection "smn"');
    for (const urn of ['outcomes', `${topic}/../../x`, `${topic}?a`, 'urn:smn:a:b'])
      expect(refusal(urn)).toContain('must be of the form urn:smn:<region>:<project>:<topic>');
  });
});

test.for(['smn', 'dis'] as const)('%s with a region calls the public endpoint of the vendor in that region', async (kind) => {
  const sent: VettedRequest[] = [];
  const http = {
    async send(request: VettedRequest) {
      sent.push(request);
      return { kind: 'unreachable' as const, reason: 'not sent' };
    },
  };
  const connections = connectionsOf({ [kind]: { kind, region, projectId, accessKeyId, secretAccessKey } });
  const streams = { publishRecord: async () => ({ kind: 'stored' }) as const };
  if (kind === 'smn') await createSmnTarget({ connections, http }).deliver(delivery(), neverAborted);
  else await createDisTarget({ connections, http, streams }).deliver(deliveryTo('DIS', { stream_name: 'outcomes' }), neverAborted);
  const path = kind === 'smn' ? `notifications/topics/${topic}/publish` : 'records';
  expect(sent.map(({ url }) => url)).toEqual([`https://${kind}.${region}.myhuaweicloud.com/v2/${projectId}/${path}`]);
  expect(sent[0]?.reach).toMatchObject({ allowHttp: false, allowPrivate: false });
  expect(sent[0]?.headers.authorization).toMatch(/^SDK-HMAC-SHA256 Access=AKCANARYLETTERS, SignedHeaders=.*host.*x-sdk-date/);
});
