import { describe, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { invocationMachine } from '#machines/invocation.ts';
import { MAX_LOST_ATTEMPTS } from '#machines/retry.ts';
import {
  alarm,
  billing,
  deliveryDead,
  deliveryDelivered,
  deliveryFailed,
  deliveryRedriven,
  deliveryStarted,
  failed,
  notified,
  queued,
  redriven,
  retrying,
  running,
  succeeded,
  terms,
  threw,
  unplaced,
  vanished,
} from '#test/support/log/facts.ts';
import { given as givenMachine } from '#test/support/log/given.ts';

const given = (...past: readonly Fact[]) => givenMachine(invocationMachine, ...past);

describe('an invocation without a request', () => {
  test('is queued by its request, which asks for its first attempt', () =>
    given()
      .when(queued())
      .expect({ state: 'queued', effects: ['startAttempt'], context: { request: queued(), attempts: 0 } }));

  test.for([running(1), retrying(0), succeeded(0), failed(0), notified(), deliveryStarted(1), redriven()])('refuses $type', (fact) =>
    given().when(fact).expectRefusal(),
  );
});

describe('a queued invocation', () => {
  test('starts its first attempt, which brings the terms and asks for the execution', () =>
    given(queued())
      .when(running(1))
      .expect({ state: 'running', effects: ['execute'], context: { terms, attempts: 1, worker: 'w1', startedAt: 10 } }));

  test.for([0, 2, -1])('refuses to start attempt %i: attempts are numbered from 1', (attempt) =>
    given(queued()).when(running(attempt, { terms })).expectRefusal(),
  );

  test('refuses a first attempt without terms', () => {
    const { terms: _, ...withoutTerms } = running(1);
    given(queued()).when(withoutTerms).expectRefusal();
  });

  test.for(['EventAgeExceeded', 'FunctionNotFound', 'InvalidRequest', 'PayloadTooLarge', 'InvalidPayload'] as const)(
    'fails with %s without ever running',
    (condition) =>
      given(queued())
        .when(failed(0, { condition, failure: unplaced }))
        .expect({ state: 'failed', effects: ['publishResult', 'deliverOutcome'], context: { attempts: 0, failure: unplaced } }),
  );

  test('refuses the failure of an attempt that never started', () => given(queued()).when(failed(1)).expectRefusal());

  test.for([queued(), retrying(0), succeeded(0), notified(), deliveryStarted(1)])('refuses $type', (fact) =>
    given(queued()).when(fact).expectRefusal(),
  );
});

describe('a running invocation', () => {
  const past = [queued(), running(1)];

  test('succeeds, and asks for its result to be published and delivered', () =>
    given(...past)
      .when(succeeded(1))
      .expect({
        state: 'succeeded',
        effects: ['publishResult', 'deliverOutcome'],
        context: { outcome: succeeded(1), worker: null, startedAt: null },
      }));

  test('waits for a retry when one is left, and asks for a wake', () =>
    given(...past)
      .when(retrying(1, { at: 20, dueAt: 1_020 }))
      .expect({
        state: 'retrying',
        effects: ['wakeWhenDue'],
        context: { dueAt: 1_020, retries: 1, lost: 0, failure: threw, worker: null, startedAt: null },
      }));

  test('ends as failed when its attempt fails and no retry is left', () =>
    given(...past)
      .when(failed(1))
      .expect({ state: 'failed', effects: ['publishResult', 'deliverOutcome'], context: { outcome: failed(1), failure: threw } }));

  test.for([running(2), queued(), notified(), deliveryStarted(1), redriven()])('refuses $type', (fact) =>
    given(...past)
      .when(fact)
      .expectRefusal(),
  );

  test.for([succeeded(0), succeeded(2), failed(0), failed(2), retrying(0), retrying(2)])(
    'refuses $type of attempt $attempt, which is not the current one (E5)',
    (fact) =>
      given(...past)
        .when(fact)
        .expectRefusal(),
  );

  test('refuses a late report of an earlier attempt: the attempt number is the fence (E5)', () => {
    const taken = given(queued(), running(1), retrying(1, { failure: vanished }), running(2, { at: 21, worker: 'w2' }));
    taken.when(succeeded(1)).expectRefusal();
    taken.when(failed(1)).expectRefusal();
    taken.when(retrying(1)).expectRefusal();
    taken.when(succeeded(2)).expect({ state: 'succeeded', effects: ['publishResult', 'deliverOutcome'] });
  });

  test('refuses a retry that would be due before the failure itself (T1)', () =>
    given(...past)
      .when(retrying(1, { at: 20, dueAt: 19 }))
      .expectRefusal());
});

describe('the retries of an invocation', () => {
  const exhausted = [queued(), running(1), retrying(1), running(2, { at: 21 }), retrying(2, { at: 22, dueAt: 23 }), running(3, { at: 24 })];

  test('are consumed by failures of the function, until none is left', () =>
    given(...exhausted)
      .when(retrying(3, { at: 25, dueAt: 26 }))
      .expectRefusal());

  test('are not granted without a policy', () =>
    given(queued(), running(1, { terms: { ...terms, maxRetries: 0 } }))
      .when(retrying(1))
      .expectRefusal());

  test('are not consumed by a failure of the platform', () =>
    given(...exhausted)
      .when(retrying(3, { at: 25, dueAt: 26, failure: unplaced }))
      .expect({ state: 'retrying', effects: ['wakeWhenDue'], context: { retries: 2, lost: 0 } }));

  test('are not consumed by a lost worker', () =>
    given(...exhausted)
      .when(retrying(3, { at: 25, dueAt: 25, failure: vanished }))
      .expect({ state: 'retrying', effects: ['wakeWhenDue'], context: { retries: 2, lost: 1 } }));

  test('never follow the eighth lost worker', () => {
    const past: Fact[] = [queued()];
    for (let attempt = 1; attempt < MAX_LOST_ATTEMPTS; attempt++) {
      past.push(running(attempt, { at: 20 }), retrying(attempt, { failure: vanished }));
    }
    const lost = given(...past, running(MAX_LOST_ATTEMPTS, { at: 20 }));
    lost.when(retrying(MAX_LOST_ATTEMPTS, { failure: vanished })).expectRefusal();
    lost
      .when(failed(MAX_LOST_ATTEMPTS, { condition: 'SystemError', failure: vanished }))
      .expect({ state: 'failed', effects: ['publishResult', 'deliverOutcome'] });
  });
});

describe('an invocation that waits for a retry', () => {
  const past = [queued(), running(1), retrying(1, { at: 20, dueAt: 1_020 })];

  test('starts its next attempt when it is due, under the terms of its first attempt', () =>
    given(...past)
      .when(running(2, { at: 1_020, worker: 'w2' }))
      .expect({ state: 'running', effects: ['execute'], context: { attempts: 2, worker: 'w2', dueAt: null, terms } }));

  test('refuses to start one millisecond early (T1)', () =>
    given(...past)
      .when(running(2, { at: 1_019 }))
      .expectRefusal());

  test.for([1, 3])('refuses to start attempt %i: attempts have neither gaps nor repeats', (attempt) =>
    given(...past)
      .when({ ...running(2, { at: 1_020 }), attempt })
      .expectRefusal(),
  );

  test('refuses other terms: they are fixed when the first attempt starts', () =>
    given(...past)
      .when(running(2, { at: 1_020, terms: { ...terms, maxRetries: 3 } }))
      .expectRefusal());

  test('fails when it becomes too old before the retry', () =>
    given(...past)
      .when(failed(1, { condition: 'EventAgeExceeded', failure: unplaced }))
      .expect({ state: 'failed', effects: ['publishResult', 'deliverOutcome'], context: { dueAt: null } }));

  test.for([succeeded(1), retrying(1), failed(0), failed(2), queued(), notified()])('refuses $type', (fact) =>
    given(...past)
      .when(fact)
      .expectRefusal(),
  );
});

describe.for([
  ['succeeded', succeeded(1)],
  ['failed', failed(1)],
] as const)('an invocation that %s', ([state, outcome]) => {
  const past = [queued(), running(1), outcome];
  const two = [queued(), running(1), { ...outcome, destinations: [billing, alarm] }];

  test('is notified at once when it has no destinations', () =>
    given(...past)
      .when(notified())
      .expect({ state: 'notified' }));

  test('refuses a second outcome', () => {
    for (const second of [succeeded(1), failed(1), retrying(1), running(2)])
      given(...past)
        .when(second)
        .expectRefusal();
  });

  test('is redriven while its deliveries are open, which changes neither them nor the outcome', () =>
    given(...two, deliveryStarted(1))
      .when(redriven({ redrive: 'again-1', isEarly: true }))
      .expect({ state, context: { redrives: ['again-1'] } }));

  test('is not notified while a delivery has no try', () =>
    given(...two)
      .when(notified())
      .expectRefusal());

  test('is not notified while one of its deliveries is open', () =>
    given(...two, deliveryStarted(1), deliveryDelivered(1), deliveryStarted(1, { destination: alarm.id }))
      .when(notified())
      .expectRefusal());

  test('is notified when every delivery is settled, delivered or dead', () =>
    given(...two, deliveryStarted(1), deliveryDelivered(1), deliveryDead(1, { destination: alarm.id }))
      .when(notified())
      .expect({ state: 'notified', context: { outcome: { ...outcome, destinations: [billing, alarm] } } }));

  test('records a try without changing its own state, and asks for the delivery (D1)', () =>
    given(...two)
      .when(deliveryStarted(1))
      .expect({ state, effects: ['deliver'] }));

  test('records the result of a try, and asks for nothing (D1)', () =>
    given(...two, deliveryStarted(1))
      .when(deliveryFailed(1))
      .expect({ state }));

  test('refuses deliveries to unknown destinations, also under names that every object inherits', () => {
    for (const destination of ['d3', '', 'constructor', '__proto__'])
      given(...two)
        .when(deliveryStarted(1, { destination }))
        .expectRefusal();
  });

  test('delivers to a destination whose id is the name of an inherited property', () => {
    for (const id of ['constructor', '__proto__', 'toString']) {
      const delivering = [queued(), running(1), { ...outcome, destinations: [{ ...billing, id }] }];
      given(...delivering)
        .when(notified())
        .expectRefusal();
      given(...delivering, deliveryStarted(1, { destination: id }), deliveryDelivered(1, { destination: id }))
        .when(notified())
        .expect({ state: 'notified' });
    }
  });

  test('refuses what the delivery machine refuses', () => {
    given(...two)
      .when(deliveryDelivered(1))
      .expectRefusal();
    given(...two, deliveryStarted(1), deliveryFailed(1))
      .when(deliveryStarted(2, { at: 59 }))
      .expectRefusal();
  });
});

describe('a notified invocation', () => {
  test('refuses every fact that would change its outcome, or notify a second time', () => {
    const end = given(queued(), running(1), succeeded(1), notified());
    for (const fact of [queued(), running(1), running(2), retrying(1), succeeded(1), failed(1), notified(), deliveryStarted(1)]) {
      end.when(fact).expectRefusal();
    }
  });

  test('records that it was run again, as another invocation', () =>
    given(queued(), running(1), failed(1), notified())
      .when(redriven({ redrive: 'again-1' }))
      .expect({ state: 'notified', context: { redrives: ['again-1'], outcome: failed(1) } }));

  test('tries a redriven delivery again without a second notified', () => {
    const dead = [queued(), running(1), succeeded(1, { destinations: [billing] }), deliveryStarted(1), deliveryDead(1), notified()];
    given(...dead)
      .when(deliveryRedriven(1))
      .expect({ state: 'notified', context: { outcome: succeeded(1, { destinations: [billing] }) } });
    const again = [...dead, deliveryRedriven(1), deliveryStarted(2)];
    given(...again)
      .when(deliveryDelivered(2))
      .expect({ state: 'notified' });
    given(...again)
      .when(notified())
      .expectRefusal();
  });
});
