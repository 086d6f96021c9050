import { expect, test } from 'vitest';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { createTestSequent } from '#src/testing/testing.ts';

const DAY = 86_400_000;

test('a delivery is tried for a day, and for another day after its redrive', async () => {
  const fn = defineFunction({
    name: 'source',
    policy: { onSuccess: [{ destination: 'HTTP', param: { url: 'https://example.com', connection: 'c' } }] },
    handler: () => 1,
  });
  await using sequent = await createTestSequent({
    functions: [fn],
    deliver: () => ({ kind: 'failed', reason: 'HTTP 503', retryAfterInMs: DAY / 24 }),
  });
  const { requestId } = await sequent.invoke(fn, {});
  const factsOf = async () => (await sequent.timeline(requestId)).transitions.map(({ fact }) => fact);
  await sequent.advance(DAY);
  const first = await factsOf();
  const outcomeAt = first.find(({ type }) => type === 'succeeded')?.at ?? 0;
  const triedAfterMs = first.filter(({ type }) => type === 'delivery.started').map(({ at }) => at - outcomeAt);
  expect(first.slice(-2).map(({ type }) => type)).toEqual(['delivery.dead', 'notified']);
  expect(triedAfterMs.length).toBe(24);
  expect(Math.max(...triedAfterMs)).toBeLessThan(DAY);

  await sequent.advance(DAY);
  await sequent.repair.redeliver(requestId);
  const redrivenAt = sequent.clock.now();
  await sequent.advance(DAY);
  const again = (await factsOf()).slice(first.length);
  const triedAgainAfterMs = again.filter(({ type }) => type === 'delivery.started').map(({ at }) => at - redrivenAt);
  expect(triedAgainAfterMs.length).toBe(24);
  expect(Math.max(...triedAgainAfterMs)).toBeLessThan(DAY);
  expect(again.at(-1)).toMatchObject({ type: 'delivery.dead', reason: expect.stringContaining('HTTP 503') });
  expect(again.filter(({ type }) => type === 'notified')).toEqual([]);
});
