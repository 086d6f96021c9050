import { describe, expect, test } from 'vitest';
import { afterFailedTry, deliveryEndsAt, deliveryExpiredFact, deliveryMachine } from '#machines/delivery.ts';
import type { DeliveryFact } from '#machines/facts.ts';
import { createFolder } from '#machines/fold.ts';
import {
  billing,
  deliveryDead,
  deliveryDelivered,
  deliveryDismissed,
  deliveryFailed,
  deliveryPostponed,
  deliveryRedriven,
  deliveryStarted,
  ID,
} from '#test/support/log/facts.ts';
import { fold, given as givenMachine } from '#test/support/log/given.ts';

const given = (...past: readonly DeliveryFact[]) => givenMachine(deliveryMachine, ...past);

describe('a pending delivery', () => {
  test('starts its first try, which asks for the delivery', () =>
    given()
      .when(deliveryStarted(1))
      .expect({ state: 'delivering', effects: ['deliver'], context: { tries: 1 } }));

  test('can be given up before any try', () =>
    given()
      .when(deliveryDead(0, { reason: 'too old' }))
      .expect({ state: 'dead', context: { reason: 'too old' } }));

  test.for([deliveryStarted(0), deliveryStarted(2), deliveryFailed(1), deliveryDelivered(1)])('refuses $type of try $try', (fact) =>
    given().when(fact).expectRefusal(),
  );
});

describe('a delivery in a try', () => {
  test('is delivered by that try', () =>
    given(deliveryStarted(1))
      .when(deliveryDelivered(1))
      .expect({ state: 'delivered', context: { tries: 1 } }));

  test('backs off when the try fails, until an absolute time', () =>
    given(deliveryStarted(1))
      .when(deliveryFailed(1, { dueAt: 60 }))
      .expect({ state: 'backingOff', effects: ['wakeWhenDue'], context: { dueAt: 60, reason: 'HTTP 500' } }));

  test('is given up with that try', () =>
    given(deliveryStarted(1))
      .when(deliveryDead(1))
      .expect({ state: 'dead', context: { reason: 'gave up' } }));

  test.for([deliveryStarted(1), deliveryStarted(2), deliveryFailed(2), deliveryDelivered(0), deliveryDead(2)])(
    'refuses $type of try $try',
    (fact) => given(deliveryStarted(1)).when(fact).expectRefusal(),
  );
});

describe('a delivery that backs off', () => {
  const past = [deliveryStarted(1), deliveryFailed(1, { dueAt: 60 })];

  test('starts its next try when the try is due', () =>
    given(...past)
      .when(deliveryStarted(2, { at: 60 }))
      .expect({ state: 'delivering', effects: ['deliver'], context: { tries: 2, dueAt: null } }));

  test('refuses the next try one millisecond early (T1)', () =>
    given(...past)
      .when(deliveryStarted(2, { at: 59 }))
      .expectRefusal());

  test('can be given up while it backs off', () =>
    given(...past)
      .when(deliveryDead(1))
      .expect({ state: 'dead', context: { dueAt: null } }));

  test.for([deliveryStarted(1, { at: 60 }), deliveryStarted(3, { at: 60 }), deliveryDelivered(1), deliveryFailed(1)])(
    'refuses $type of try $try',
    (fact) =>
      given(...past)
        .when(fact)
        .expectRefusal(),
  );
});

describe('a delivery whose try is postponed', () => {
  test('backs off without a try, and names its reason', () =>
    given()
      .when(deliveryPostponed(0, { dueAt: 60 }))
      .expect({
        state: 'backingOff',
        effects: ['wakeWhenDue'],
        context: { tries: 0, dueAt: 60, postponed: 'the circuit is open', reason: null },
      }));

  test('keeps its number of tries and the reason of the last one', () =>
    given(deliveryStarted(1), deliveryFailed(1, { dueAt: 60 }))
      .when(deliveryPostponed(1, { at: 60, dueAt: 90 }))
      .expect({ state: 'backingOff', context: { tries: 1, dueAt: 90, reason: 'HTTP 500' } }));

  test('starts its next try when it is due, and not earlier (T1)', () => {
    given(deliveryPostponed(0, { dueAt: 60 }))
      .when(deliveryStarted(1, { at: 59 }))
      .expectRefusal();
    given(deliveryPostponed(0, { dueAt: 60 }))
      .when(deliveryStarted(1, { at: 60 }))
      .expect({ state: 'delivering', effects: ['deliver'], context: { tries: 1, dueAt: null, postponed: null } });
  });

  test('is not postponed again before it is due', () =>
    given(deliveryPostponed(0, { dueAt: 60 }))
      .when(deliveryPostponed(0, { at: 59, dueAt: 90 }))
      .expectRefusal());

  test('ends with the reason of its wait when it becomes too old', () => {
    const postponed = fold(createFolder(deliveryMachine), [deliveryPostponed(0)]);
    const { reason } = deliveryExpiredFact(postponed, { invocation: ID, destination: billing.id, at: 99 });
    expect(reason).toBe('too old after 0 tries; the circuit is open');
  });
});

describe('a delivery that is delivered', () => {
  test('is final: it refuses every fact', () => {
    for (const fact of [deliveryStarted(2), deliveryFailed(1), deliveryDelivered(1), deliveryDead(1), deliveryRedriven(1)]) {
      given(deliveryStarted(1), deliveryDelivered(1)).when(fact).expectRefusal();
    }
  });
});

describe('a delivery that is dead', () => {
  const dead = [deliveryStarted(1), deliveryDead(1)];

  test('starts no further try by itself', () => {
    for (const fact of [deliveryStarted(2), deliveryFailed(1), deliveryDelivered(1), deliveryDead(1), deliveryRedriven(2)]) {
      given(...dead)
        .when(fact)
        .expectRefusal();
    }
  });

  test('is pending again after a redrive, and continues to count its tries', () => {
    given(...dead)
      .when(deliveryRedriven(1))
      .expect({ state: 'pending', effects: ['makeTry'], context: { tries: 1 } });
    given(...dead, deliveryRedriven(1))
      .when(deliveryStarted(2))
      .expect({ state: 'delivering', effects: ['deliver'], context: { tries: 2 } });
    given(...dead, deliveryRedriven(1))
      .when(deliveryStarted(1))
      .expectRefusal();
  });

  test('is dismissed with a note, and a redrive tries it again', () => {
    given(...dead)
      .when(deliveryDismissed(1))
      .expect({ state: 'dismissed', context: { note: 'told by phone', reason: 'gave up' } });
    given(...dead, deliveryDismissed(1))
      .when(deliveryRedriven(1))
      .expect({ state: 'pending', effects: ['makeTry'], context: { note: null } });
  });

  test('is dismissed once, and only while it is dead', () => {
    given(...dead, deliveryDismissed(1))
      .when(deliveryDismissed(1))
      .expectRefusal();
    given(deliveryStarted(1)).when(deliveryDismissed(1)).expectRefusal();
    given(...dead)
      .when(deliveryDismissed(2))
      .expectRefusal();
  });
});

describe('the age of a delivery', () => {
  const outcome = { at: 1_000 };
  const folder = createFolder(deliveryMachine);
  const folded = (...past: readonly DeliveryFact[]) => fold(folder, past);

  test('counts from the outcome, or from the latest redrive', () => {
    expect(deliveryEndsAt(undefined, outcome, 500)).toBe(1_500);
    expect(deliveryEndsAt(folded(deliveryStarted(1)), outcome, 500)).toBe(1_500);
    const redriven = folded(deliveryStarted(1), deliveryDead(1), deliveryRedriven(1, { at: 9_000 }));
    expect(deliveryEndsAt(redriven, outcome, 500)).toBe(9_500);
  });

  test('ends a waiting delivery, with the reason of its last failed try', () => {
    const fact = { invocation: ID, destination: billing.id, at: 70 };
    const untried = deliveryExpiredFact(undefined, fact);
    expect(untried).toMatchObject({ type: 'delivery.dead', try: 0, reason: 'too old after 0 tries' });
    given().when(untried).expect({ state: 'dead' });
    const past = [deliveryStarted(1), deliveryFailed(1)];
    const waiting = deliveryExpiredFact(folded(...past), fact);
    expect(waiting).toMatchObject({ try: 1, reason: 'too old after 1 tries; the last one: HTTP 500' });
    given(...past)
      .when(waiting)
      .expect({ state: 'dead' });
  });
});

describe('what follows a failed try', () => {
  const fact = { invocation: ID, at: 1_000, destination: billing.id, try: 1, reason: 'HTTP 500' };

  test('is another try after a growing delay, no earlier than the target allows', () => {
    const delays = [1, 2, 3, 4].map((number) => {
      const next = afterFailedTry({ fact: { ...fact, try: number }, endsAt: 1e9 });
      return next.type === 'delivery.failed' ? next.dueAt - fact.at : 0;
    });
    for (const [index, delay] of delays.entries()) {
      expect(delay).toBeGreaterThanOrEqual(1_000 * 2 ** index * 0.7);
      expect(delay).toBeLessThanOrEqual(1_000 * 2 ** index);
    }
    expect(afterFailedTry({ fact, retryAfterInMs: 90_000, endsAt: 1e9 })).toMatchObject({ type: 'delivery.failed', dueAt: 91_000 });
  });

  test('is the end of the delivery when the next try could not start in time', () => {
    const end = afterFailedTry({ fact, endsAt: 1_500 });
    expect(end).toMatchObject({ type: 'delivery.dead', reason: 'given up after 1 tries; the last one: HTTP 500' });
    given(deliveryStarted(1)).when(end).expect({ state: 'dead' });
  });
});
