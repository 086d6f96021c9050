import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { defineFunction } from '#src/client/define-function.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { keyedId } from '#src/core/names/ids.ts';
import type { RequestId, StreamId } from '#src/core/names/names.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { createFunctionTarget } from '#src/destinations/function-target.ts';
import { createTestSequent } from '#src/testing/testing.ts';
import { openMemoryDeliveries } from '#test/support/destinations/memory-deliveries.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { deliveryStarted, running, succeeded } from '#test/support/log/facts.ts';
import { append, until } from '#test/support/log/opened-log.ts';

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

describe('a delivery that an earlier version started', () => {
  test('keeps its ids after the upgrade, so that the child of its cut try is not started twice (DLV2)', async () => {
    const log = createMemoryLog({ clock: systemClock });
    const name = { function: parseFunctionName('orders'), stream: 'order-1' as StreamId };
    const mails = parseFunctionName('mails');
    const { sequence: request } = await log.accept(name, [{ id: 'order-1' as RequestId, payload: '{}' }]);
    const destinations = [{ id: 'functiongraph-0', destination: 'FunctionGraph', param: '{"func_urn":"mails"}' }];
    const facts: Fact[] = [
      succeeded(1, { destinations }),
      deliveryStarted(1, { destination: 'functiongraph-0', deliverer: 'of the earlier version' }),
    ];
    await log.append(name, append([running(1), ...facts], { request }), {});
    const child = keyedId('order-1/functiongraph-0');
    const published: string[] = [];
    const target = createFunctionTarget({
      log: {
        accept: async ({ stream }) => {
          published.push(stream);
          return { sequence: 1 };
        },
      },
      findFunction: async () => ({}),
      isKnown: (fn) => fn === mails,
      maxHops: 3,
      maxChain: 10,
    });
    const deliveries = openMemoryDeliveries(log, {
      targets: { FunctionGraph: target },
      maxChain: 10,
      maxDeliveryAgeInMs: Number.MAX_SAFE_INTEGER,
    });
    const state = await loadStream(log, name, request);
    if (state === undefined) throw new Error('the request is not there');
    expect(deliveries.take(state)).toBe(true);
    await until(() => published.length > 0);
    await deliveries.stop();
    expect(published).toEqual([child]);
  });
});
