import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { effectsDue, type Invocation, invocationFolder, isBatch } from '#machines/invocation.ts';

const id = 'opening';
const destination = { id: 'http-0', destination: 'HTTP', param: '{}' };
const opened: Fact = {
  type: 'queued',
  invocation: id,
  at: 0,
  function: 'orders',
  qualifier: 'latest',
  dueAt: 100,
  opens: { batch: 'import', onComplete: [destination] },
};
const sealed: Fact = { type: 'batch.sealed', invocation: id, at: 5, reason: 'ended' };
const completed: Fact = {
  type: 'succeeded',
  invocation: id,
  at: 9,
  attempt: 0,
  payload: '{}',
  destinations: [destination],
};
const started: Fact = { type: 'delivery.started', invocation: id, at: 10, destination: 'http-0', try: 1, deliverer: 'd' };
const delivered: Fact = { type: 'delivery.delivered', invocation: id, at: 11, destination: 'http-0', try: 1 };
const notified: Fact = { type: 'notified', invocation: id, at: 12 };

/** The state after the facts, and whether the machine refused the last one. */
function fold(...facts: readonly Fact[]): { invocation: Invocation; isRefused: boolean } {
  let [invocation, isRefused] = [invocationFolder.initial, false];
  for (const fact of facts) {
    const step = invocationFolder.step(invocation, fact);
    isRefused = step === undefined;
    invocation = step?.snapshot ?? invocation;
  }
  return { invocation, isRefused };
}

describe('the machine of a batch', () => {
  test('names what is due: to seal, to complete, to deliver, and nothing at last', () => {
    const states = [[opened], [opened, sealed], [opened, sealed, completed], [opened, sealed, completed, started, delivered, notified]];
    expect(states.map((facts) => fold(...facts).invocation).map((one) => [one.value, effectsDue(one), isBatch(one)])).toEqual([
      ['queued', ['sealWhenDue'], true],
      ['running', ['completeWhenOver'], true],
      ['succeeded', ['deliverOutcome'], true],
      ['notified', [], true],
    ]);
  });

  test('is due until it is sealed, and in progress until it is completed', () => {
    const contexts = [[opened], [opened, sealed], [opened, sealed, completed]].map((facts) => fold(...facts).invocation.context);
    expect(contexts.map(({ dueAt, startedAt }) => [dueAt, startedAt])).toEqual([
      [100, null],
      [null, 5],
      [null, null],
    ]);
  });

  test('is cancelled once in each state, which it keeps once it is sealed', () => {
    const canceled: Fact = { ...sealed, at: 20, reason: 'canceled' } as Fact;
    const states = [[opened], [opened, sealed], [opened, sealed, completed], [opened, sealed, completed, started, delivered, notified]];
    for (const [index, facts] of states.entries()) {
      const { invocation, isRefused } = fold(...facts, canceled);
      const value = ['running', 'running', 'succeeded', 'notified'][index];
      expect([isRefused, invocation.value, invocation.context.canceledAt]).toEqual([false, value, 20]);
      expect(effectsDue(invocation)).toEqual(effectsDue(fold(...(index === 0 ? [opened, sealed] : facts)).invocation));
      expect(fold(...facts, canceled, canceled).isRefused).toBe(true);
    }
  });

  test.for<[string, Fact[]]>([
    ['an attempt', [opened, { type: 'running', invocation: id, at: 200, attempt: 1, worker: 'w' }]],
    ['a completion before the seal', [opened, completed]],
    ['a second seal', [opened, sealed, sealed]],
    ['a second completion', [opened, sealed, completed, completed]],
    ['the outcome of an attempt', [opened, sealed, { ...completed, attempt: 1 } as Fact]],
    ['a second opening', [opened, opened]],
    ['notified before its delivery is settled', [opened, sealed, completed, notified]],
  ])('refuses %s', ([, facts]) => {
    expect(fold(...facts).isRefused).toBe(true);
  });

  test('an invocation refuses a seal', () => {
    const { opens: _, ...request } = opened as Extract<Fact, { type: 'queued' }>;
    expect(fold(request, sealed)).toMatchObject({ isRefused: true, invocation: { value: 'queued' } });
  });
});
