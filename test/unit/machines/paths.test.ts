import { describe, expect, test } from 'vitest';
import { type AnyMachineSnapshot, type AnyStateMachine, createMachine, type EventFromLogic } from 'xstate';
import { getShortestPaths, getStateNodes } from 'xstate/graph';
import { deliveryMachine } from '#machines/delivery.ts';
import type { DeliveryFact, Fact } from '#machines/facts.ts';
import { createFolder } from '#machines/fold.ts';
import { invocationMachine } from '#machines/invocation.ts';
import {
  billing,
  deliveryDead,
  deliveryDelivered,
  deliveryDismissed,
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
} from '#test/support/log/facts.ts';

const invocationFacts: readonly Fact[] = [
  queued(),
  running(1),
  running(2, { at: 20 }),
  retrying(1),
  succeeded(1),
  succeeded(2),
  failed(0),
  failed(1, { destinations: [billing] }),
  deliveryStarted(1),
  deliveryDelivered(1),
  deliveryDead(1),
  deliveryRedriven(1),
  deliveryDismissed(1),
  deliveryStarted(2),
  notified(),
  redriven(),
];
const deliveryFacts: readonly DeliveryFact[] = [
  deliveryStarted(1),
  deliveryStarted(2, { at: 60 }),
  deliveryFailed(1),
  deliveryFailed(2),
  deliveryDelivered(1),
  deliveryDead(0),
  deliveryDead(2),
  deliveryRedriven(2),
  deliveryDismissed(0),
  deliveryDismissed(2),
];

const machines: readonly [string, AnyStateMachine, readonly { type: string }[]][] = [
  ['invocation', invocationMachine, invocationFacts],
  ['delivery', deliveryMachine, deliveryFacts],
];

describe.for(machines)('the %s machine', ([, machine, facts]) => {
  test('can reach every one of its states', () => {
    const states = getStateNodes(machine).flatMap(({ key }) => key);
    const reached = new Set(pathsOf(machine, facts).map(({ state }) => (state as AnyMachineSnapshot).value as string));
    expect([...reached].sort()).toEqual(states.sort());
  });

  test('behaves the same after its configuration was exported as JSON', () => {
    const config = JSON.parse(JSON.stringify(machine.config));
    const again = createMachine(config, machine.implementations as never);
    const [one, other] = [createFolder(machine), createFolder(again as AnyStateMachine)];
    for (const { steps } of pathsOf(machine, facts)) {
      let [snapshot, twin] = [one.initial, other.initial];
      for (const { event } of steps.slice(1)) {
        const step = one.step(snapshot, event as EventFromLogic<AnyStateMachine>);
        const twinStep = other.step(twin, event as EventFromLogic<AnyStateMachine>);
        expect(twinStep?.effects).toEqual(step?.effects);
        expect(JSON.stringify(twinStep?.snapshot)).toBe(JSON.stringify(step?.snapshot));
        if (step === undefined || twinStep === undefined) break;
        [snapshot, twin] = [step.snapshot, twinStep.snapshot];
      }
    }
  });
});

function pathsOf(machine: AnyStateMachine, facts: readonly { type: string }[]) {
  return getShortestPaths(machine, {
    events: facts as never,
    serializeState: (snapshot) => JSON.stringify(snapshot),
    // An invocation can be redriven without limit.
    stopWhen: (snapshot) => ((snapshot as AnyMachineSnapshot).context.redrives ?? []).length > 0,
  });
}
