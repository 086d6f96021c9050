import { describe, expect, test } from 'vitest';
import type { Fact, FactOf } from '#machines/facts.ts';
import { type Invocation, invocationFolder, invocationMachine } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { deferred, failed, ID, queued, running, succeeded } from '#test/support/log/facts.ts';
import { given as givenMachine } from '#test/support/log/given.ts';

const given = (...past: readonly Fact[]) => givenMachine(invocationMachine, ...past);

const debounce = { keep: 'all', waitInMs: 5_000, maxWaitInMs: 60_000 } as const;
const flow = { pool: 'function.orders', key: 'customer-7' };
const debounced = (): Fact => deferred({ flow: { ...flow, debounce } });
const other = { invocation: 'order-2', request: 7 };

const closed = (part: Partial<FactOf<'debounce.closed'>> = {}): Fact => ({
  ...{ type: 'debounce.closed', invocation: ID, at: 10, keep: 'all', dueAt: 10, members: [other] },
  ...part,
});
const joined = (part: Partial<FactOf<'debounce.joined'>> = {}): Fact => ({
  ...{ type: 'debounce.joined', invocation: ID, at: 10, keep: 'all', leader: other },
  ...part,
});

describe('a debounced invocation', () => {
  test('starts no attempt, and waits for no slot, before it has a part in a group', () => {
    given(queued(), debounced()).when(running(1)).expectRefusal();
    given(queued(), debounced())
      .when(deferred({ at: 9, flow: { ...flow, key: 'b' } }))
      .expectRefusal();
  });

  test('that leads its group starts an attempt, and may wait for a slot before', () => {
    given(queued(), debounced())
      .when(closed())
      .expect({ state: 'queued', context: { waitsFor: null, group: { ...flow, keep: 'all', at: 10, members: [other] } } });
    given(queued(), debounced(), closed())
      .when(running(1))
      .expect({ state: 'running', effects: ['execute'] });
    given(queued(), debounced(), closed())
      .when(deferred({ at: 11 }))
      .expect({ state: 'queued', context: { waitsFor: { ...flow, since: 11 } } });
  });

  test('leads no group before the time at which the group closes', () =>
    given(queued(), debounced())
      .when(closed({ dueAt: 11 }))
      .expectRefusal());

  test('gets one part only', () => {
    given(queued(), debounced(), closed()).when(joined()).expectRefusal();
    given(queued(), debounced(), joined()).when(closed()).expectRefusal();
    given(queued(), debounced(), joined())
      .when(joined({ leader: { invocation: 'order-3', request: 8 } }))
      .expectRefusal();
    given(queued()).when(joined()).expectRefusal();
    given(queued()).when(closed()).expectRefusal();
  });

  test('goes on after a second wait for its group, which logs of earlier versions have after the close', () => {
    const past = [queued(), debounced(), closed(), deferred({ at: 11, flow: { ...flow, debounce } })];
    given(...past)
      .when(running(1))
      .expect({ state: 'running', effects: ['execute'] });
    given(...past)
      .when(deferred({ at: 12 }))
      .expect({ state: 'queued', context: { waitsFor: { ...flow, since: 12 } } });
    given(...past)
      .when(joined())
      .expectRefusal();
  });

  test('joins no group of its own', () =>
    given(queued(), debounced())
      .when(joined({ leader: { invocation: ID, request: 1 } }))
      .expectRefusal());

  test('that is a member starts no attempt, and ends with the outcome of its leader alone', () => {
    const past = [queued(), debounced(), joined()];
    given(...past)
      .when(running(1))
      .expectRefusal();
    given(...past)
      .when(failed(0, { condition: 'InvocationCanceled' }))
      .expectRefusal();
    given(...past)
      .when(succeeded(0, { leader: 'order-3' }))
      .expectRefusal();
    given(...past)
      .when(succeeded(0, { leader: other.invocation }))
      .expect({ state: 'succeeded', effects: ['publishResult', 'deliverOutcome'] });
    given(...past)
      .when(failed(0, { leader: other.invocation }))
      .expect({ state: 'failed', effects: ['publishResult', 'deliverOutcome'] });
  });

  test('without a leader never succeeds before an attempt', () => {
    given(queued(), debounced())
      .when(succeeded(0, { leader: 'order-2' }))
      .expectRefusal();
    given(queued()).when(succeeded(0)).expectRefusal();
  });

  test('still ends while it waits', () =>
    given(queued(), debounced())
      .when(failed(0, { condition: 'EventAgeExceeded' }))
      .expect({ state: 'failed', effects: ['publishResult', 'deliverOutcome'], context: { waitsFor: null } }));

  test('counts as discarded when it is superseded, and as its leader in a group of all', () => {
    const end = failed(0, { condition: 'InvocationCanceled', leader: other.invocation });
    expect(statusOf(fold(queued(), debounced(), joined({ keep: 'last' }), end))).toBe('DISCARD');
    expect(statusOf(fold(queued(), debounced(), joined(), end))).toBe('FAIL');
    expect(statusOf(fold(queued(), debounced(), joined(), succeeded(0, { leader: other.invocation })))).toBe('SUCCESS');
  });
});

function fold(...facts: readonly Fact[]): Invocation {
  return facts.reduce((invocation, fact) => invocationFolder.step(invocation, fact)?.snapshot ?? invocation, invocationFolder.initial);
}
