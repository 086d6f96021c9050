import { inspect } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { createSubjectRules } from '#src/core/names/addressable.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createTargets } from '#src/destinations/targets/create-targets.ts';
import {
  accessKeyId,
  canaries,
  canariesIn,
  connectionsOf,
  deliveryTo,
  neverAborted,
  plantCanaries,
  secretAccessKey,
  webhookSecret,
} from '#test/support/destinations/deliveries.ts';
import { openMailbox } from '#test/support/destinations/mailbox.ts';
import { openReceiver, type Receiver, type Reply } from '#test/support/destinations/receiver.ts';

beforeAll(plantCanaries);

const token = { env: 'SEQUENT_TEST_TOKEN' };
const password = { env: 'SEQUENT_TEST_PASSWORD' };
const topic = 'urn:smn:here:project:outcomes';

/** An answer that repeats every secret and every received header, wherever an answer can hold text. */
const repeatSecrets =
  (status: number): Reply =>
  (response, { headers }) => {
    const secrets = Object.values(canaries);
    const text = [...secrets, JSON.stringify(headers)].join('\n');
    const [first = ''] = secrets;
    response.writeHead(status, secrets.join(' '), { 'retry-after': first, location: `http://example.com/${first}`, 'x-echo': first });
    const record = { error_code: first, error_message: text };
    response.end(
      `<Error><Code>${first}</Code><Message>${text}</Message></Error>${JSON.stringify({ failed_record_count: 1, records: [record] })}`,
    );
  };

function everyTarget(receiver: Receiver, mailPort: number) {
  const webhook = { protocol: 'http', endpoint: `${receiver.url}/${canaries.SEQUENT_TEST_TOKEN}`, secret: webhookSecret };
  const email = { protocol: 'email', endpoint: 'ops@example.com' };
  const smtp = { host: '127.0.0.1', port: mailPort, user: 'sequent', password, from: 'sequent@example.com', requireTls: false };
  const connections = connectionsOf({
    obs: { kind: 'obs', endpoint: receiver.url, accessKeyId, secretAccessKey, allowPrivate: true },
    smn: { kind: 'smn', topics: { [topic]: { subscriptions: [webhook, email] } }, smtp, allowPrivate: true },
    dis: { kind: 'dis', endpoint: receiver.url, projectId: 'p', accessKeyId, secretAccessKey, allowPrivate: true },
    byToken: { kind: 'dis', endpoint: receiver.url, projectId: 'p', token, allowPrivate: true },
    http: {
      kind: 'http',
      secret: webhookSecret,
      hosts: ['127.0.0.1'],
      headers: { Authorization: token },
      allowPrivate: true,
      allowHttp: true,
      ports: [receiver.port],
    },
  });
  const stored = async () => ({ kind: 'stored' as const });
  const targets = createTargets({
    connections,
    http: createVettedHttp(),
    clock: systemClock,
    streams: { publishRecord: stored },
    publisher: { publish: stored, isStored: async () => true },
    subjects: createSubjectRules(),
  });
  return { connections, targets };
}

describe('the secrets of connections', () => {
  test.each([200, 302, 400, 401, 403, 404, 429, 500, 503])(
    'are in no result, even if a receiver repeats them with status %i',
    async (status) => {
      await using receiver = await openReceiver(repeatSecrets(status));
      await using mailbox = await openMailbox({ user: { name: 'sequent', password: 'another' } });
      const { connections, targets } = everyTarget(receiver, mailbox.port);
      const results: DeliveryResult[] = [];
      for (const request of [
        deliveryTo('OBS', { bucket: 'known' }),
        deliveryTo('SMN', { topic_urn: topic }),
        deliveryTo('DIS', { stream_name: 'outcomes' }),
        deliveryTo('DIS', { stream_name: 'outcomes', connection: 'byToken' }),
        deliveryTo('HTTP', { url: `${receiver.url}/${canaries.SEQUENT_TEST_TOKEN}?secret=${canaries.SEQUENT_TEST_PASSWORD}` }),
      ]) {
        const target = targets[request.destination.destination as keyof typeof targets];
        results.push(await target.deliver(request, neverAborted));
        expect(canariesIn(target.limitKeyOf(request.destination))).toEqual([]);
      }
      // The secrets were used: the receiver got its token.
      expect(receiver.received.map(({ headers }) => headers['x-auth-token'] ?? headers.authorization)).toContain(
        canaries.SEQUENT_TEST_TOKEN,
      );
      expect(mailbox.logins).toEqual(['sequent']);
      expect(canariesIn(JSON.stringify(results))).toEqual([]);
      expect(canariesIn(inspect([results, connections, targets], { depth: 20, showHidden: true }))).toEqual([]);
    },
  );
});

describe('createTargets', () => {
  test('makes a target of every kind but FunctionGraph, and each refuses an invalid param', async () => {
    await using receiver = await openReceiver();
    const { targets } = everyTarget(receiver, 1);
    expect(Object.keys(targets).sort()).toEqual(['DIS', 'HTTP', 'NATS', 'OBS', 'SMN']);
    for (const target of Object.values(targets)) {
      expect(target.refuse('{', 'orders')).toBe('param must be a text that holds JSON');
      expect(target.refuse('null', 'orders')).toBe('param must be an object');
      expect(target.limitKeyOf({ id: 'x', destination: 'x', param: '{' })).toMatch(/^[A-Z]+$/);
      expect(await target.deliver(deliveryTo('X', '{'), neverAborted)).toEqual({
        kind: 'dead',
        reason: 'param must be a text that holds JSON',
      });
    }
  });
});
