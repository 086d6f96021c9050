import { beforeEach, describe, expect, test } from 'vitest';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { ask, expectError, F, type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';
import { overtakeNextRead } from '#test/support/overtake-next-read.ts';

const PATH = '/api/functions/orders';
const fn = (timeoutInMs: number) => ({ name: 'orders', handler: { kind: 'inline' }, timeoutInMs });

let opened: OpenedApp;
/** The revision of the function before each test. */
let revision: number;
beforeEach(async () => {
  opened = await openApp();
  const { registry } = opened;
  for (const [version, timeout] of [
    ['v1', 1],
    ['v2', 2],
    ['v3', 3],
  ] as const) {
    await registry.put(fn(timeout));
    await registry.publish('orders', { version });
  }
  await registry.putAlias('orders', { name: 'prod', version: 'v1', weights: { v2: 10 } });
  ({ revision } = await registry.get('orders'));
});

/** Another process changes the function between the next read of the function and what the gateway does with it. */
const overtake = (write: (registry: OpenedApp['registry']) => Promise<unknown>): void =>
  overtakeNextRead(opened.entries, 'orders', () => write(opened.registry));
const present = async () => await opened.registry.get('orders');

describe('a change of a function that another process changes at the same time', () => {
  test('is no deletion of a revision that its If-Match does not name', async () => {
    overtake((registry) => registry.put(fn(9)));
    const response = await ask(opened, 'DELETE', PATH, { headers: { 'if-match': `"${revision}"` } });
    expect([response.status, (await present()).definition.timeoutInMs]).toEqual([412, 9]);
    expect((await ask(opened, 'DELETE', PATH, { headers: { 'if-match': `"${(await present()).revision}"` } })).status).toBe(204);
  });

  test.for(['promote', 'rollback'])('decides the %s of an alias again, and keeps an alias that was moved', async (verb) => {
    overtake((registry) => registry.putAlias('orders', { name: 'prod', version: 'v3' }));
    const response = await ask(opened, 'POST', `${PATH}/aliases/prod/${verb}`);
    expect([response.status, (await present()).aliases]).toEqual([400, [expect.objectContaining({ version: 'v3', weights: {} })]]);
  });

  test('refuses an alias that another process created meanwhile over the vendor API', async () => {
    overtake((registry) => registry.putAlias('orders', { name: 'test', version: 'v3' }));
    await expectError(await ask(opened, 'POST', `${F}/orders/aliases`, { body: { name: 'test', version: 'v2' } }), 409, 'FSS.1063');
    expect((await present()).aliases.find(({ name }) => name === 'test')).toMatchObject({ version: 'v3' });
  });

  test('creates no alias again that was deleted during its update over the vendor API', async () => {
    overtake((registry) => registry.deleteAlias('orders', 'prod'));
    expect((await ask(opened, 'PUT', `${F}/orders/aliases/prod`, { body: { version: 'v2' } })).status).toBe(404);
    expect((await present()).aliases).toEqual([]);
  });

  test('applies a change of the policy with If-Match: * to the newest revision', async () => {
    overtake((registry) => registry.put(fn(9)));
    const headers = { 'if-match': '*' };
    const changed = await ask(opened, 'PATCH', `${PATH}/policy`, { body: { maxRetries: 2 }, headers });
    expect(changed.status).toBe(200);
    expect(((await changed.json()) as FunctionView).definition).toMatchObject({ timeoutInMs: 9, policy: { maxRetries: 2 } });
    overtake((registry) => registry.put(fn(8)));
    expect((await ask(opened, 'DELETE', `${PATH}/policy`, { headers })).status).toBe(200);
    expect((await present()).definition).toMatchObject({ timeoutInMs: 8, policy: { maxRetries: 0 } });
  });

  test('refuses a change of the policy whose If-Match names an earlier revision', async () => {
    overtake((registry) => registry.put(fn(9)));
    const response = await ask(opened, 'PATCH', `${PATH}/policy`, { body: { maxRetries: 2 }, headers: { 'if-match': `"${revision}"` } });
    expect([response.status, (await present()).definition.policy.maxRetries]).toEqual([412, 0]);
  });
});
