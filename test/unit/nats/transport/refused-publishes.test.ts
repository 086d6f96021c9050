import { describe, expect, test } from 'vitest';
import type { Refusal } from '#src/nats/transport/refusals.ts';
import { watchRefusedPublishes } from '#src/nats/transport/refused-publishes.ts';

/** Publishes in flight on these subjects, and a server whose answer to a round trip the test gives. */
function inFlight(...subjects: string[]) {
  const pending = new Map(subjects.map((subject, key) => [key, { subject }]));
  let next = subjects.length;
  const refused: number[] = [];
  const roundTrips: (() => void)[] = [];
  let listener: (refusal: Refusal) => void = () => {};
  watchRefusedPublishes(
    {
      listen(given) {
        listener = given;
        return () => {};
      },
      settle: () => new Promise((resolve) => roundTrips.push(resolve)),
    },
    {
      pending,
      nextKey: () => next,
      refuse(key) {
        pending.delete(key);
        refused.push(key);
      },
    },
  );
  return {
    refused,
    publish: (subject: string) => pending.set(next++, { subject }),
    refusal: (subject: string) => listener({ operation: 'publish', subject, permission: '', message: '' }),
    async answer() {
      roundTrips.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('the refusals of publishes', () => {
  test('apply to all publishes on their subject when there are as many of both', async () => {
    const { refused, refusal, answer } = inFlight('a', 'b', 'a');
    refusal('a');
    refusal('a');
    expect(refused).toEqual([]);
    await answer();
    expect(refused).toEqual([0, 2]);
  });

  test('apply to no publish when they are fewer, because the accepted publishes are not known', async () => {
    const { refused, refusal, answer } = inFlight('a', 'a');
    refusal('a');
    await answer();
    expect(refused).toEqual([]);
  });

  test('of publishes that were sent during the round trip are settled by the next one', async () => {
    const { refused, publish, refusal, answer } = inFlight('a');
    refusal('a');
    publish('a');
    refusal('a');
    await answer();
    expect(refused).toEqual([0]);
    await answer();
    expect(refused).toEqual([0, 1]);
  });
});
