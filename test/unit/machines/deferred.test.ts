import { describe, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { invocationMachine } from '#machines/invocation.ts';
import { deferred, failed, queued, retrying, running, succeeded } from '#test/support/log/facts.ts';
import { given as givenMachine } from '#test/support/log/given.ts';

const given = (...past: readonly Fact[]) => givenMachine(invocationMachine, ...past);

describe('an invocation that waits for a slot', () => {
  const flow = deferred().flow;
  const waits = { ...flow, since: 5 };

  test('stays queued, and records what it waits for', () =>
    given(queued())
      .when(deferred())
      .expect({ state: 'queued', effects: [], context: { waitsFor: waits } }));

  test('records the rate that it waits for', () => {
    const rate = { limit: 100, perInMs: 1_000, burst: 5, dueAt: 60 };
    given(queued())
      .when(deferred({ flow: { ...flow, rate } }))
      .expect({ state: 'queued', effects: [], context: { waitsFor: { ...waits, rate } } });
  });

  test('stays in its retry', () =>
    given(queued(), running(1), retrying(1))
      .when(deferred({ at: 25 }))
      .expect({ state: 'retrying', effects: [], context: { waitsFor: { ...flow, since: 25 }, dueAt: 20 } }));

  test('waits no longer when its attempt starts, or when it ends', () => {
    given(queued(), deferred())
      .when(running(1))
      .expect({ state: 'running', effects: ['execute'], context: { waitsFor: null } });
    given(queued(), deferred())
      .when(failed(0))
      .expect({ state: 'failed', effects: ['publishResult', 'deliverOutcome'], context: { waitsFor: null } });
  });

  test('records the same wait once, and another one again', () => {
    given(queued(), deferred())
      .when(deferred({ at: 9 }))
      .expectRefusal();
    given(queued(), deferred())
      .when(deferred({ at: 9, flow: { ...flow, key: 'b' } }))
      .expect({ state: 'queued', context: { waitsFor: { ...flow, key: 'b', since: 9 } } });
  });

  test('does not wait before its attempt is due, nor during an attempt, nor after the end', () => {
    given(queued({ dueAt: 50 }))
      .when(deferred())
      .expectRefusal();
    given(queued(), running(1)).when(deferred()).expectRefusal();
    given(queued(), running(1), succeeded(1)).when(deferred()).expectRefusal();
  });
});
