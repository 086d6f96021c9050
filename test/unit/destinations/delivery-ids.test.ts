import { describe, expect, test } from 'vitest';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { createTestSequent } from '#src/testing/testing.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';

describe('two functions that have an invocation with one id', () => {
  const toMails = { destination: 'FunctionGraph' as const, param: { func_urn: 'mails' } };
  const toHost = { destination: 'HTTP' as const, param: { url: 'https://host.example.com', connection: 'c' } };
  const parent = (name: string) => defineFunction({ name, policy: { onSuccess: [toMails, toHost] }, handler: () => name });
  const open = () =>
    createTestSequent({ functions: [parent('orders'), parent('bills'), defineFunction({ name: 'mails', handler: () => 1 })] });

  test('lead to a child each at one destination, and to two deliveries at one host (DLV1)', async () => {
    await using sequent = await open();
    for (const name of ['orders', 'bills']) await sequent.invoke(name, {}, { id: 'order-1' });
    await sequent.runUntilIdle();
    expect(
      sequent
        .results('mails')
        .map(({ requestId }) => requestId)
        .sort(),
    ).toEqual([firstChildOf('orders', 'order-1'), firstChildOf('bills', 'order-1')].sort());
    expect(
      sequent
        .deliveries()
        .map(({ deliveryId }) => deliveryId)
        .sort(),
    ).toEqual(['order-1/bills/http-1', 'order-1/orders/http-1']);
  });

  test('are delivered at the same time, and neither delivery hides the other (DLV1)', async () => {
    await using sequent = await open();
    await Promise.all(['orders', 'bills'].map((name) => sequent.invoke(name, {}, { id: 'order-1' })));
    await sequent.runUntilIdle();
    expect(sequent.results('mails')).toHaveLength(2);
    expect(sequent.deliveries()).toHaveLength(2);
  });
});
