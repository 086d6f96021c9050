import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSubjectRules } from '#src/core/names/addressable.ts';
import { createNatsTarget, type Publisher } from '#src/destinations/targets/nats.ts';
import type { Publication } from '#src/destinations/targets/publication.ts';
import { deliveryTo, envelope, neverAborted } from '#test/support/destinations/deliveries.ts';

function targetThat(publication: Publication = { kind: 'stored' }) {
  const published: { subject: string; payload: string; headers: Record<string, string> }[] = [];
  const publisher: Publisher = {
    async publish(subject, payload, { headers }) {
      published.push({ subject, payload, headers });
      return publication;
    },
    isStored: async () => true,
  };
  return { published, target: createNatsTarget({ publisher, subjects: createSubjectRules() }) };
}

describe('the NATS target', () => {
  test('publishes the envelope with the delivery id as message id', async () => {
    const { target, published } = targetThat();
    const request = deliveryTo('NATS', { subject: 'orders.done', headers: { 'X-Tenant': 'a' } });
    expect(await target.deliver(request, neverAborted)).toEqual({ kind: 'delivered' });
    expect(published).toEqual([
      {
        subject: 'orders.done',
        payload: envelope,
        headers: { 'X-Tenant': 'a', 'content-type': 'application/json', 'Nats-Msg-Id': request.deliveryId },
      },
    ]);
  });

  test('passes the traceparent on, and drops an invalid one', async () => {
    const { target, published } = targetThat();
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await target.deliver(deliveryTo('NATS', { subject: 'a' }, { traceparent }), neverAborted);
    await target.deliver(deliveryTo('NATS', { subject: 'a' }, { traceparent: 'x\r\nNats-Rollup: all' }), neverAborted);
    expect(published.map(({ headers }) => headers.traceparent)).toEqual([traceparent, undefined]);
  });

  test.each(['succeeded', 'failed'] as const)('adds the attributes of CloudEvents to an outcome that %s', async (outcome) => {
    const { target, published } = targetThat();
    const request = deliveryTo('NATS', { subject: 'orders.done', cloudevents: true }, { outcome, requestId: 'r' });
    await target.deliver(request, neverAborted);
    expect(published[0]?.headers).toEqual({
      'ce-specversion': '1.0',
      'ce-id': 'r-nats-0',
      'ce-source': 'urn:fss:here:project:function:default:orders:latest',
      'ce-type': `sequent.invocation.${outcome}`,
      'ce-subject': 'r',
      'ce-time': '2026-11-24T23:59:59.999Z',
      'ce-datacontenttype': 'application/json',
      'content-type': 'application/json',
      'Nats-Msg-Id': 'r-nats-0',
    });
  });

  test.each<[Publication, object]>([
    [{ kind: 'no-responders' }, { kind: 'failed', reason: 'no stream stores subject "a.b"' }],
    [
      { kind: 'failed', reason: 'timeout' },
      { kind: 'failed', reason: 'subject "a.b" did not store the message: timeout' },
    ],
    [
      { kind: 'refused', reason: 'no permission' },
      { kind: 'dead', reason: 'subject "a.b" refused the message: no permission' },
    ],
  ])('the publication %o results in %o', async (publication, expected) => {
    expect(await targetThat(publication).target.deliver(deliveryTo('NATS', { subject: 'a.b' }), neverAborted)).toEqual(expected);
  });

  test.each([
    ...['invoke.orders', '$KV.SEQUENT_FUNCTIONS.a', '_INBOX.a'].map((subject) => [
      subject,
      `subject "${subject}" is reserved for Sequent or the NATS server (rule U1); use a subject below "fn."`,
    ]),
    ...['a.*', 'a.>', '>', '*', 'a b', 'a\tb', 'a\r\nPUB x 0', 'a\u0000', 'a\u2028b', 'a>'].map((subject) => [
      subject,
      'param.subject must not hold white space, control characters or wildcards',
    ]),
    ...['.a', 'a.', 'a..b'].map((subject) => [subject, 'param.subject must not have empty tokens']),
    ['中'.repeat(86), 'param.subject must not be longer than 255 bytes'],
  ])('refuses the subject %j', async (subject, problem) => {
    const { target, published } = targetThat();
    expect(target.refuse(JSON.stringify({ subject }), 'orders')).toBe(problem);
    expect(await target.deliver(deliveryTo('NATS', { subject }), neverAborted)).toEqual({ kind: 'dead', reason: problem });
    expect(published).toEqual([]);
  });

  test('checks the subject for the function’s project, when configured and before each message', async () => {
    const { target, published } = targetThat();
    const problem =
      'project b may not address subject "orders" (rule U1); use a subject below "fn.b.", or ask the operator for --subjects b=orders';
    expect(target.refuse('{"subject":"orders"}', 'b=f')).toBe(problem);
    const request = deliveryTo('NATS', { subject: 'orders' }, { functionName: 'b=f' });
    expect(await target.deliver(request, neverAborted)).toEqual({ kind: 'dead', reason: problem });
    expect(published).toEqual([]);
  });

  test.each(['orders', 'orders.done', 'invoked.a', 'a.invoke', 'заказы.готово', 'a-b_c.1'])('accepts the subject %s', (subject) => {
    expect(targetThat().target.refuse(JSON.stringify({ subject }), 'orders')).toBeUndefined();
  });

  test('never publishes to a subject with characters that have a meaning on the wire', async () => {
    const hostile = fc.string({
      unit: fc.constantFrom('a', '.', '*', '>', ' ', '\r', '\n', '\t', '\0', '$', '中', '\u00a0'),
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(hostile, async (subject) => {
        const { target, published } = targetThat();
        await target.deliver(deliveryTo('NATS', { subject }), neverAborted);
        for (const { subject: used } of published) expect(used).toMatch(/^[a$中]+(\.[a$中]+)*$/);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    [{ 'Nats-Msg-Id': 'x' }, 'is set by Sequent or by the server alone'],
    [{ 'nats-rollup': 'all' }, 'is set by Sequent or by the server alone'],
    [{ 'ce-id': 'x' }, 'is set by Sequent or by the server alone'],
    [{ 'a b': 'x' }, 'must be the name of a header'],
    [{ a: 'x\r\nb: c' }, 'must be a text of one line'],
  ])('refuses the headers %j', (headers, problem) => {
    expect(targetThat().target.refuse(JSON.stringify({ subject: 'a', headers }), 'orders')).toContain(problem);
  });
});
