import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, test } from 'vitest';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createSmnTarget } from '#src/destinations/targets/huawei/smn.ts';
import {
  canaries,
  canariesIn,
  connectionsOf,
  deliveryTo,
  envelope,
  neverAborted,
  plantCanaries,
  webhookSecret,
} from '#test/support/destinations/deliveries.ts';
import { type Mailbox, openMailbox } from '#test/support/destinations/mailbox.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';

beforeAll(plantCanaries);

const topic = 'urn:smn:here:project:outcomes';
const password = { env: 'SEQUENT_TEST_PASSWORD' };

const webhookAt = ({ url }: Receiver) => ({ protocol: 'http', endpoint: `${url}/hook?canary`, secret: webhookSecret });
const mailTo = (endpoint: string) => ({ protocol: 'email', endpoint });
const smtpOf = ({ port }: Mailbox) => ({ host: '127.0.0.1', port, from: 'sequent@example.com' });

function targetFor(subscriptions: object[], more: Record<string, unknown> = {}) {
  const smn = { kind: 'smn', topics: { [topic]: { subscriptions } }, allowPrivate: true, timeoutInMs: 20_000, ...more };
  return createSmnTarget({ connections: connectionsOf({ smn }), http: createVettedHttp() });
}

const delivery = () => deliveryTo('SMN', { topic_urn: topic });

describe('the SMN target', () => {
  test('publishes to every subscription of the topic', async () => {
    await using first = await openReceiver();
    await using second = await openReceiver();
    await using mailbox = await openMailbox();
    const target = targetFor([webhookAt(first), webhookAt(second), mailTo('ops@example.com')], { smtp: smtpOf(mailbox) });
    const request = delivery();
    expect(await target.deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    for (const [index, { received }] of [first, second].entries()) {
      expect(received).toHaveLength(1);
      expect(received[0]?.headers['webhook-id']).toBe(`${request.deliveryId}-${index}`);
      new Webhook(canaries.SEQUENT_TEST_WEBHOOK).verify(received[0]?.body ?? '', received[0]?.headers as Record<string, string>);
    }
    expect(mailbox.mails).toHaveLength(1);
  });

  test('mails the envelope with the outcome as its subject and an id of the delivery', async () => {
    await using mailbox = await openMailbox();
    const request = deliveryTo('SMN', { topic_urn: topic }, { requestId: 'mailed' });
    await targetFor([mailTo('ops@example.com')], { smtp: smtpOf(mailbox) }).deliver(request, neverAborted);
    const [mail] = mailbox.mails;
    expect(mail).toMatchObject({ from: 'sequent@example.com', to: ['ops@example.com'] });
    expect(mail?.text).toContain('Subject: orders:latest succeeded (mailed)');
    expect(mail?.text).toContain('Message-ID: <mailed-smn-0-0@example.com>');
    expect(mail?.text).toContain('The invocation mailed of orders:latest succeeded.');
  });

  test('skips the subscriptions that an earlier try reached', async () => {
    await using healthy = await openReceiver();
    await using flaky = await openReceiver(answer(503, { 'retry-after': '3' }), answer(200));
    await using mailbox = await openMailbox({ refusals: [451] });
    const target = targetFor([webhookAt(healthy), webhookAt(flaky), mailTo('ops@example.com')], { smtp: smtpOf(mailbox) });
    const request = delivery();
    expect(await target.deliver(request, neverAborted)).toEqual({
      kind: 'failed',
      reason:
        `2 of 3 subscriptions not reached: #1 ${flaky.url} answered 503 Service Unavailable; ` +
        '#2 the mail server 127.0.0.1 did not take the mail (451 EENVELOPE)',
      retryAfterInMs: 3_000,
    });
    expect(await target.deliver({ ...request, try: 2 }, neverAborted)).toEqual({ kind: 'delivered' });
    expect([healthy.received.length, flaky.received.length, mailbox.mails.length]).toEqual([1, 2, 1]);
  });

  test('is dead when a subscription is gone and every other was reached', async () => {
    await using healthy = await openReceiver();
    await using gone = await openReceiver(answer(410));
    const result = await targetFor([webhookAt(healthy), webhookAt(gone)]).deliver(delivery(), neverAborted);
    expect(result).toEqual({ kind: 'dead', reason: `1 of 2 subscriptions not reached: #1 ${gone.url} answered 410 Gone` });
  });

  test('delivers each of several deliveries to every subscription', async () => {
    await using receiver = await openReceiver();
    const target = targetFor([webhookAt(receiver)]);
    await target.deliver(delivery(), neverAborted);
    await target.deliver(delivery(), neverAborted);
    expect(receiver.received).toHaveLength(2);
  });

  test('signs in at the mail server with its password', async () => {
    await using mailbox = await openMailbox({ user: { name: 'sequent', password: canaries.SEQUENT_TEST_PASSWORD } });
    const smtp = { ...smtpOf(mailbox), user: 'sequent', password, requireTls: false };
    expect(await targetFor([mailTo('ops@example.com')], { smtp }).deliver(delivery(), neverAborted)).toEqual({ kind: 'delivered' });
  });

  test('is dead when the mail server refuses the password, and does not repeat the server’s text', async () => {
    await using mailbox = await openMailbox({ user: { name: 'sequent', password: 'another' } });
    const smtp = { ...smtpOf(mailbox), user: 'sequent', password, requireTls: false };
    const result = await targetFor([mailTo('ops@example.com')], { smtp }).deliver(delivery(), neverAborted);
    expect(result).toEqual({
      kind: 'dead',
      reason: '1 of 1 subscriptions not reached: #0 insufficient permission: the mail server 127.0.0.1 refused the user (535 EAUTH)',
    });
    expect(canariesIn(JSON.stringify(result))).toEqual([]);
  });

  test('sends no password over a connection that is not encrypted', async () => {
    await using mailbox = await openMailbox({ user: { name: 'sequent', password: canaries.SEQUENT_TEST_PASSWORD } });
    const smtp = { ...smtpOf(mailbox), user: 'sequent', password };
    expect(await targetFor([mailTo('ops@example.com')], { smtp }).deliver(delivery(), neverAborted)).toEqual({
      kind: 'dead',
      reason: '1 of 1 subscriptions not reached: #0 the mail server 127.0.0.1 offers no encryption (500 ETLS)',
    });
    expect([mailbox.mails, mailbox.logins]).toEqual([[], []]);
  });

  test('is dead when there is no such mailbox', async () => {
    await using mailbox = await openMailbox({ refusals: [550] });
    expect(await targetFor([mailTo('ops@example.com')], { smtp: smtpOf(mailbox) }).deliver(delivery(), neverAborted)).toMatchObject({
      kind: 'dead',
      reason: expect.stringContaining('550'),
    });
  });

  test('times out on a mail server that never greets', async () => {
    await using mailbox = await openMailbox({ isSilent: true });
    const target = targetFor([mailTo('ops@example.com')], { smtp: smtpOf(mailbox), timeoutInMs: 150 });
    expect(await target.deliver(delivery(), neverAborted)).toMatchObject({ kind: 'failed' });
  });

  test('refuses a topic that the connection does not have', async () => {
    await using receiver = await openReceiver();
    const target = targetFor([webhookAt(receiver)]);
    const problem = 'param.topic_urn is not a topic of connection "smn"';
    expect(target.refuse('{"topic_urn":"urn:smn:here:project:other"}', 'orders')).toBe(problem);
    expect(target.refuse('{"topic_urn":"toString"}', 'orders')).toBe(problem);
    expect(await target.deliver(deliveryTo('SMN', { topic_urn: 'other' }), neverAborted)).toEqual({ kind: 'dead', reason: problem });
    expect(target.refuse(JSON.stringify({ topic_urn: topic }), 'orders')).toBeUndefined();
  });

  test('is dead at a webhook whose address is not public', async () => {
    await using receiver = await openReceiver();
    const result = await targetFor([webhookAt(receiver)], { allowPrivate: false }).deliver(delivery(), neverAborted);
    expect([result.kind, receiver.connections]).toEqual(['dead', 0]);
  });

  test('mails characters of every kind', async () => {
    await using mailbox = await openMailbox();
    await targetFor([mailTo('ops@example.com')], { smtp: smtpOf(mailbox) }).deliver(delivery(), neverAborted);
    const [, body = ''] = mailbox.mails[0]?.text.split('\r\n\r\n') ?? [];
    expect(envelope).toContain('中');
    expect(mailbox.mails[0]?.text.includes('=E4=B8=AD') || Buffer.from(body, 'base64').toString().includes('中')).toBe(true);
  });
});
