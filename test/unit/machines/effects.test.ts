import { describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { deliveryEffectsDue, deliveryFolder, deliveryMachine } from '#machines/delivery.ts';
import type { DeliveryFact, Fact } from '#machines/facts.ts';
import { effectsDue, invocationFolder, invocationMachine } from '#machines/invocation.ts';
import {
  billing,
  deliveryDead,
  deliveryDelivered,
  deliveryFailed,
  deliveryRedriven,
  deliveryStarted,
  notified,
  queued,
  retrying,
  running,
  succeeded,
} from '#test/support/log/facts.ts';
import { fold } from '#test/support/log/given.ts';

/** The effects: the actions of the machine that are not assignments. */
function effectsOf(machine: AnyStateMachine): string[] {
  return Object.entries(machine.implementations.actions).flatMap(([name, action]) => ('assignment' in (action as object) ? [] : [name]));
}

describe.for<[string, AnyStateMachine]>([
  ['invocation', invocationMachine],
  ['delivery', deliveryMachine],
])('the configuration of the %s machine, which `sequent machine` prints,', ([, machine]) => {
  test('names every effect at a state or a transition', () => {
    const printed = JSON.stringify(machine.config);
    expect(effectsOf(machine).length).toBeGreaterThan(2);
    for (const effect of effectsOf(machine)) expect(printed).toContain(`"${effect}"`);
  });

  test('names an effect at the entry of every state that waits for a role', () => {
    const ends = ['initial', 'notified', 'delivered', 'dead', 'dismissed'];
    for (const [name, { entry = [] }] of Object.entries(machine.config.states ?? {})) {
      expect([entry].flat().length > 0, name).toBe(!ends.includes(name));
    }
  });
});

describe('the effects that an invocation in the log asks for', () => {
  const delivering = succeeded(1, { destinations: [billing] });
  const done = [queued(), running(1), delivering, deliveryStarted(1)];

  test.for<[string, readonly Fact[], readonly string[]]>([
    ['nothing before it was accepted', [], []],
    ['an attempt while it is queued', [queued()], ['startAttempt']],
    ['the execution while it is running', [queued(), running(1)], ['execute']],
    ['a wake while it waits for a retry', [queued(), running(1), retrying(1)], ['wakeWhenDue']],
    ['the result and the deliveries once it has an outcome', [queued(), running(1), succeeded(1)], ['publishResult', 'deliverOutcome']],
    ['the same while a try is under way', done, ['publishResult', 'deliverOutcome']],
    ['the result again when it is notified', [queued(), running(1), succeeded(1), notified()], ['publishResult']],
    ['the result again when its delivery is dead', [...done, deliveryDead(1), notified()], ['publishResult']],
    [
      'the deliveries again while a redriven delivery is pending',
      [...done, deliveryDead(1), notified(), deliveryRedriven(1)],
      ['publishResult', 'deliverOutcome'],
    ],
  ])('are %s', ([, facts, effects]) => {
    expect(effectsDue(fold(invocationFolder, facts))).toEqual(effects);
  });

  test('equal the effects of the append that led to its state, until it is notified', () => {
    for (const past of [[queued()], [queued(), running(1)], [queued(), running(1), retrying(1)], [queued(), running(1), delivering]]) {
      const before = fold(invocationFolder, past.slice(0, -1));
      const step = invocationFolder.step(before, past.at(-1) as Fact);
      expect(step?.effects).toEqual(step && effectsDue(step.snapshot));
    }
  });
});

describe('the effects that a delivery in the log asks for', () => {
  test.for<[string, readonly DeliveryFact[], readonly string[]]>([
    ['a try while it is pending', [], ['makeTry']],
    ['the delivery while a try is under way', [deliveryStarted(1)], ['deliver']],
    ['a wake while it backs off', [deliveryStarted(1), deliveryFailed(1)], ['wakeWhenDue']],
    ['nothing once it is delivered', [deliveryStarted(1), deliveryDelivered(1)], []],
    ['nothing once it is dead', [deliveryStarted(1), deliveryDead(1)], []],
    ['a try again when it is redriven', [deliveryStarted(1), deliveryDead(1), deliveryRedriven(1)], ['makeTry']],
  ])('are %s', ([, facts, effects]) => {
    expect(deliveryEffectsDue(fold(deliveryFolder, facts))).toEqual(effects);
  });

  test('are a try when the log has no fact of it', () => {
    expect(deliveryEffectsDue(undefined)).toEqual(['makeTry']);
  });
});
