import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, createMachine, initialTransition, raise, transition } from 'xstate';
import type { Fact } from '#machines/facts.ts';
import { createFolder } from '#machines/fold.ts';
import { type Invocation, invocationFolder, invocationMachine } from '#machines/invocation.ts';
import { notified, queued, retrying, running, succeeded } from '#test/support/log/facts.ts';

const facts: readonly Fact[] = [queued(), running(1), retrying(1), running(2, { at: 20 }), succeeded(2), notified()];

test('folding leads to the same states and effects as xstate’s own transition', () => {
  let [theirs] = initialTransition(invocationMachine);
  let ours = invocationFolder.initial;
  for (const fact of facts) {
    const [next, actions] = transition(invocationMachine, theirs, fact);
    const step = invocationFolder.step(ours, fact);
    expect(JSON.stringify(step?.snapshot)).toBe(JSON.stringify(next));
    expect(step?.effects).toEqual(actions.map(({ type }) => type));
    theirs = next;
    ours = step?.snapshot ?? ours;
  }
});

test('folding is at least three times as fast as xstate’s own transition', () => {
  const foldOurs = (): void => {
    let snapshot: Invocation = invocationFolder.initial;
    for (const fact of facts) snapshot = invocationFolder.step(snapshot, fact)?.snapshot ?? snapshot;
  };
  const [start] = initialTransition(invocationMachine);
  const foldTheirs = (): void => {
    let snapshot = start;
    for (const fact of facts) [snapshot] = transition(invocationMachine, snapshot, fact);
  };
  // The minimum of several short rounds, because other load on the machine slows some rounds down.
  const rounds = Array.from({ length: 8 }, () => [time(foldOurs), time(foldTheirs)] as const);
  const ours = Math.min(...rounds.map(([mine]) => mine));
  const theirs = Math.min(...rounds.map(([, other]) => other));
  // The ratio is 8 to 12 with warm code on two busy cores.
  expect(theirs / ours).toBeGreaterThan(3);
});

describe('a machine that is not flat is refused', () => {
  test.each<[string, AnyStateMachine]>([
    ['a state within a state', createMachine({ initial: 'a', states: { a: { initial: 'b', states: { b: {} } } } })],
    ['a transition of the whole machine', createMachine({ initial: 'a', on: { go: '.a' }, states: { a: {} } })],
    ['a transition without an event', createMachine({ initial: 'a', states: { a: { always: 'b' }, b: {} } })],
    ['a delay', createMachine({ initial: 'a', states: { a: { after: { 5: 'b' } }, b: {} } })],
    ['a state that is entered again', createMachine({ initial: 'a', states: { a: { on: { go: { target: 'a', reenter: true } } } } })],
    [
      'an action that raises',
      createMachine({ initial: 'a', states: { a: { entry: 'again' } } }).provide({ actions: { again: raise({ type: 'go' }) } }),
    ],
  ])('for %s', (_, machine) => {
    expect(() => createFolder(machine)).toThrow(/flat|neither an assignment nor an effect/);
  });
});

function time(work: () => void): number {
  const startedAt = performance.now();
  for (let round = 0; round < 100; round++) work();
  return performance.now() - startedAt;
}
