import { expect, test } from 'vitest';
import type { FactOf } from '#machines/facts.ts';
import { explain } from '#src/analysis/explain/explain.ts';
import { defineFunction } from '#src/client/worker/define-function.ts';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import { createTestSequent, type TestSequent } from '#src/testing/testing.ts';

const orders = defineFunction({
  name: 'orders',
  concurrency: 100,
  policy: { onSuccess: [{ destination: 'HTTP', param: { url: 'https://dead.example.com', connection: 'c' } }] },
  handler: () => 1,
});
const billing = defineFunction({
  name: 'billing',
  policy: { onSuccess: [{ destination: 'HTTP', param: { url: 'https://fine.example.com', connection: 'c' } }] },
  handler: () => 1,
});

/** The target of `orders` is dead until it is repaired. `atOnce` is the largest number of its tries at once since the repair. */
async function openSystem(retryAfterInMs?: number) {
  const dead = { isRepaired: false, atOnce: 0, now: 0, tries: 0 };
  const sequent = await createTestSequent({
    functions: [orders, billing],
    deliver: async ({ functionName }): Promise<DeliveryResult> => {
      if (functionName === 'billing') return { kind: 'delivered' };
      dead.tries++;
      if (!dead.isRepaired) return { kind: 'failed', reason: 'no answer', ...(retryAfterInMs === undefined ? {} : { retryAfterInMs }) };
      dead.now++;
      dead.atOnce = Math.max(dead.atOnce, dead.now);
      await Promise.resolve();
      dead.now--;
      return { kind: 'delivered' };
    },
  });
  return { dead, sequent };
}

async function factsOf(sequent: TestSequent, ids: readonly string[]) {
  return await Promise.all(ids.map(async (id) => (await sequent.timeline(id)).transitions.map(({ fact }) => fact)));
}

async function invoke(sequent: TestSequent, count: number): Promise<string[]> {
  const invoked = await Promise.all(Array.from({ length: count }, () => sequent.invoke(orders, {})));
  return invoked.map(({ requestId }) => requestId);
}

test('a dead target is tried by few probes, and its deliveries wait in the log without a try', { timeout: 60_000 }, async () => {
  const { dead, sequent } = await openSystem();
  await using _ = sequent;
  const ids = await invoke(sequent, 60);
  await sequent.advance(60_000);
  const facts = await factsOf(sequent, ids);
  const postponed = facts.flat().filter((fact): fact is FactOf<'delivery.postponed'> => fact.type === 'delivery.postponed');
  const failed = facts.flat().filter(({ type }) => type === 'delivery.failed');
  expect(failed).toHaveLength(dead.tries);
  // 32 first tries at once, and then the probes, whose pauses double up to 30 s.
  expect(dead.tries).toBeLessThanOrEqual(32 + 12);
  expect(postponed.length).toBeGreaterThan(0);
  expect(postponed.every(({ at, dueAt, reason }) => dueAt > at && reason.includes('failures in a row; last: no answer'))).toBe(true);
  expect(facts.every((life) => life.at(-1)?.type !== 'notified')).toBe(true);
});

test('the backlog of a recovered target arrives by a ramp, each delivery once and none early', { timeout: 60_000 }, async () => {
  const { dead, sequent } = await openSystem();
  await using _ = sequent;
  const ids = await invoke(sequent, 60);
  await sequent.advance(15_000);
  dead.isRepaired = true;
  dead.atOnce = 0;
  await sequent.advance(60_000);
  const facts = await factsOf(sequent, ids);
  expect(facts.filter((life) => life.filter(({ type }) => type === 'delivery.delivered').length === 1)).toHaveLength(60);
  expect(dead.atOnce).toBeLessThanOrEqual(8);
  for (const life of facts) {
    let dueAt = 0;
    for (const fact of life) {
      if (fact.type === 'delivery.started') expect(fact.at).toBeGreaterThanOrEqual(dueAt);
      if ('dueAt' in fact) dueAt = fact.dueAt ?? 0;
    }
  }
});

test('a postponement is no try: the deliveries of a dead target die of their age alone', { timeout: 60_000 }, async () => {
  const { sequent } = await openSystem(3_600_000);
  await using _ = sequent;
  const ids = await invoke(sequent, 8);
  await sequent.advance(86_400_000 + 300_000);
  const facts = await factsOf(sequent, ids);
  const ends = facts.map((life) => life.find((fact): fact is FactOf<'delivery.dead'> => fact.type === 'delivery.dead'));
  for (const [index, end] of ends.entries()) {
    const outcomeAt = facts[index]?.find(({ type }) => type === 'succeeded')?.at ?? 0;
    const tries = facts[index]?.filter(({ type }) => type === 'delivery.started').length ?? 0;
    expect(end?.try).toBe(tries);
    expect(end?.at).toBeGreaterThanOrEqual(outcomeAt + 86_400_000 - 3_900_000);
  }
});

test('explain and the timeline name the wait for a circuit', { timeout: 60_000 }, async () => {
  const { sequent } = await openSystem();
  await using _ = sequent;
  await invoke(sequent, 50);
  const [late = ''] = await invoke(sequent, 1);
  await sequent.advance(2_000);
  const { transitions } = await sequent.timeline(late);
  const sentences = explain({ requestId: late, function: 'orders', transitions }, sequent.clock.now());
  const text = sentences.map((sentence) => sentence.text).join('\n');
  expect(text).toMatch(/postponed without a try: the circuit of HTTP:\S+ is open until \S+; \d+ failures in a row; last: no answer/);
  const [life = []] = await factsOf(sequent, [late]);
  expect(life.map(({ type }) => type)).toContain('delivery.postponed');
});

test('a dead target does not delay the deliveries of another function', { timeout: 60_000 }, async () => {
  const { sequent } = await openSystem();
  await using _ = sequent;
  await invoke(sequent, 60);
  await sequent.advance(10_000);
  const { requestId } = await sequent.invoke(billing, {});
  await sequent.advance(0);
  const [life = []] = await factsOf(sequent, [requestId]);
  expect(life.at(-1)?.type).toBe('notified');
});
