import { describe, test } from 'vitest';
import { deliveryMachine } from '#machines/delivery.ts';
import type { DeliveryFact } from '#machines/facts.ts';
import { deliveryDead, deliveryDelivered, deliveryFailed, deliveryStarted } from '#test/contract/facts.ts';
import { given as givenMachine } from '#test/contract/given.ts';

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
      .expect({ state: 'backingOff', context: { dueAt: 60, reason: 'HTTP 500' } }));

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

  test('starts its next try when that is due', () =>
    given(...past)
      .when(deliveryStarted(2, { at: 60 }))
      .expect({ state: 'delivering', effects: ['deliver'], context: { tries: 2, dueAt: null } }));

  test('refuses the next try one millisecond early (T1)', () =>
    given(...past)
      .when(deliveryStarted(2, { at: 59 }))
      .expectRefusal());

  test('can be given up meanwhile', () =>
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

describe.for([
  ['delivered', deliveryDelivered(1)],
  ['dead', deliveryDead(1)],
] as const)('a delivery that is %s', ([, end]) => {
  test('is final: it refuses every fact', () => {
    for (const fact of [deliveryStarted(2), deliveryFailed(1), deliveryDelivered(1), deliveryDead(1)]) {
      given(deliveryStarted(1), end).when(fact).expectRefusal();
    }
  });
});
