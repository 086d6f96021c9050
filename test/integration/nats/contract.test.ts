import { Ajv, type ValidateFunction } from 'ajv';
import { connect, headers as createHeaders, type Msg } from 'nats';
import { describe, expect } from 'vitest';
import { defineFunction, startWorker } from '#src/client/client.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { messages } from '../../../build/contract.ts';

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });

type Validators = { readonly payload: ValidateFunction; readonly headers: ValidateFunction };

const validators = Object.fromEntries(
  Object.entries(messages).map(([name, message]) => [
    name,
    { payload: ajv.compile(message.payload), headers: ajv.compile('headers' in message ? message.headers : {}) },
  ]),
) as Record<keyof typeof messages, Validators>;

/** Which message of the contract is sent on a subject. A batch has the header `Batch`. */
function nameOf({ subject, headers }: Pick<Msg, 'subject' | 'headers'>): keyof typeof messages | undefined {
  // JetStream's copy for a reader that asked for headers alone.
  if (headers?.has('Nats-Msg-Size')) return undefined;
  const [first] = subject.split('.');
  if (first === 'invoke') return headers?.has('Batch') ? 'requests' : 'request';
  if (first === 'result') return 'result';
  if (first === 'invocation') return 'transition';
  return subject === 'shop.price' ? 'execution' : undefined;
}

/** The defects of a message, by the contract. */
function defectsOf(name: keyof typeof messages, payload: unknown, headers: Record<string, string>): string[] {
  const { payload: isPayload, headers: areHeaders } = validators[name];
  return [...(isPayload(payload) ? [] : (isPayload.errors ?? [])), ...(areHeaders(headers) ? [] : (areHeaders.errors ?? []))].map(
    ({ instancePath, message, params }) => `${name}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

const headersOf = ({ headers }: Pick<Msg, 'headers'>): Record<string, string> =>
  Object.fromEntries([...(headers ?? [])].map(([name, [value = '']]) => [name, value]));

const orders = defineFunction({
  name: 'orders',
  policy: {
    maxRetries: 1,
    backoff: { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 },
    onSuccess: [{ destination: 'NATS', param: { subject: 'told' } }],
  },
  handler: (event: { fail?: boolean }) => {
    if (event.fail) throw new Error('no stock');
    return { ok: true };
  },
});
const limited = defineFunction({ name: 'limited', flow: { concurrency: 1, key: '$.key' }, handler: () => {} });

describe('docs/asyncapi.json', () => {
  test('describes every request, result, transition, execution and acknowledgement of a run', { timeout: 60_000 }, async ({
    server,
    client,
  }) => {
    const spy = await connect({ servers: server.url });
    const seen: Msg[] = [];
    const spied = spy.subscribe('>', { callback: (_, message) => void seen.push(message) });
    const responder = spy.subscribe('shop.price', { callback: (_, message) => void message.respond('{"price":7}') });
    await spy.flush();
    await using _worker = await startWorker({ servers: server.url, functions: [orders, limited] });
    await client.functions.put({ name: 'price', handler: { kind: 'subject', subject: 'shop.price' } });
    const given = createHeaders();
    for (const [name, value] of [
      ['Request-Id', 'order-7'],
      ['Deliver-At', '+1s'],
      ['Priority', '9'],
    ] as const)
      given.set(name, value);
    const acknowledged = await spy.request('invoke.orders', '{"order":7}', { headers: given, timeout: 5_000 });
    const invoked = [
      await client.invoke(orders, { fail: true }),
      await client.invoke('price', {}),
      ...(await client.invokeMany(limited, [{ key: 'a' }, { key: 'a' }, { key: 'b' }])),
    ];
    await Promise.all([...invoked.map((one) => one.result()), client.result('order-7')]);
    // The destination gets its message before the fact of the delivery is stored.
    const isStored = ({ subject, data }: Msg) => subject.startsWith('invocation.') && Buffer.from(data).includes('delivery.delivered');
    await expect.poll(() => seen.some(isStored), { timeout: 20_000 }).toBe(true);
    spied.unsubscribe();
    responder.unsubscribe();

    const named = seen.flatMap((message) => {
      const name = nameOf(message);
      return name === undefined ? [] : [{ name, payload: message.json<unknown>(), headers: headersOf(message) }];
    });
    expect(new Set(named.map(({ name }) => name))).toEqual(new Set(['request', 'requests', 'result', 'transition', 'execution']));
    expect(named.flatMap(({ name, payload, headers }) => defectsOf(name, payload, headers))).toEqual([]);
    expect(defectsOf('acknowledgement', acknowledged.json(), {})).toEqual([]);
    const facts = named.flatMap(({ name, payload }) => (name === 'transition' ? (payload as { facts: { type: string }[] }).facts : []));
    expect(new Set(facts.map(({ type }) => type))).toEqual(
      new Set(['running', 'retrying', 'succeeded', 'failed', 'deferred', 'delivery.started', 'delivery.delivered', 'notified']),
    );

    // The contract is no rubber stamp: each of these messages breaks it.
    const result = named.find(({ name }) => name === 'result');
    const transition = named.find(({ name }) => name === 'transition');
    expect(defectsOf('result', { ...(result?.payload as object), more: 1 }, result?.headers ?? {})).toHaveLength(1);
    expect(defectsOf('result', result?.payload, {})).toHaveLength(1);
    expect(defectsOf('transition', { ...(transition?.payload as object), facts: [{ type: 'exploded' }] }, {})).not.toEqual([]);
    expect(defectsOf('request', {}, { 'Request-Id': 'with a space' })).toHaveLength(1);
    await spy.close();
  });
});
