import { expect, test } from 'vitest';
import { defineFunction } from '#src/client/worker/define-function.ts';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import { createTestSequent } from '#src/testing/testing.ts';
import { until } from '#test/support/log/opened-log.ts';

const fn = defineFunction({
  name: 'source',
  policy: { onSuccess: [{ destination: 'HTTP', param: { url: 'https://example.com', connection: 'c' } }] },
  handler: () => 1,
});

test('the refusal of a try that was given up does not end the redrive after it', async () => {
  const tries: ((result: DeliveryResult) => void)[] = [];
  await using sequent = await createTestSequent({
    functions: [fn],
    deliver: () => new Promise<DeliveryResult>((resolve) => void tries.push(resolve)),
  });
  const { requestId } = await sequent.invoke(fn, {});
  await until(() => tries.length === 1);
  await sequent.repair.giveUp(requestId, { note: 'the receiver is silent' });
  await sequent.repair.redeliver(requestId);
  tries[0]?.({ kind: 'dead', reason: 'HTTP 404' });
  await sequent.advance(60_000);
  tries[1]?.({ kind: 'delivered' });
  await sequent.advance(1_000);
  const types = (await sequent.timeline(requestId)).transitions.map(({ fact }) => fact.type);
  expect(types.slice(types.indexOf('delivery.redriven'))).toEqual([
    'delivery.redriven',
    'delivery.started',
    'delivery.delivered',
    'notified',
  ]);
});
