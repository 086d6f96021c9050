import { expect, test } from 'vitest';
import { type AnyStateMachine, setup, transition } from 'xstate';
import { deliveryMachine } from '#machines/delivery.ts';
import { factSchema } from '#machines/facts.ts';
import { createFolder } from '#machines/fold.ts';
import { invocationMachine } from '#machines/invocation.ts';

const types = [...factSchema.options.map(({ shape }) => shape.type.value), 'delivery.unknown', 'delivery', 'unknown'];

type Selected = { state: unknown; effects: readonly string[] } | undefined;

/** What XState selects; `undefined` when it refuses the event. A transition without a target may leave the snapshot as it is. */
function theirs(machine: AnyStateMachine, before: Snapshot, type: string): Selected {
  const [next, effects] = transition(machine, before, { type });
  return next === before && effects.length === 0 ? undefined : { state: next.value, effects: effects.map((effect) => effect.type) };
}

function subsetsOf(names: readonly string[]): string[][] {
  const subsets: string[][] = [[]];
  for (const name of names) subsets.push(...subsets.map((subset) => [...subset, name]));
  return subsets;
}

type Snapshot = ReturnType<AnyStateMachine['resolveState']>;

test.each<[string, AnyStateMachine]>([
  ['invocation', invocationMachine],
  ['delivery', deliveryMachine],
])('the table of the %s machine selects what xstate selects, whatever the guards answer', (_, machine) => {
  const guards = Object.keys(machine.implementations.guards);
  const actions = Object.fromEntries(Object.keys(machine.implementations.actions).map((name) => [name, () => {}]));
  let truths: readonly string[] = [];
  const answering = guards.map((name) => [name, () => truths.includes(name)] as const);
  const provided = machine.provide({ guards: Object.fromEntries(answering), actions });
  const folder = createFolder(provided);
  const differences: object[] = [];
  for (const [value, node] of Object.entries(machine.states)) {
    const before = provided.resolveState({ value, context: {} });
    const asked = guards.filter((name) => [...node.transitions.values()].flat().some(({ guard }) => guard === name));
    for (const [type, answers] of types.flatMap((name) => subsetsOf(asked).map((subset) => [name, subset] as const))) {
      truths = answers;
      const step = folder.step(before, { type });
      const ours: Selected = step === undefined ? undefined : { state: step.snapshot.value, effects: step.effects };
      const expected = theirs(provided, before, type);
      if (JSON.stringify(ours) !== JSON.stringify(expected)) differences.push({ from: value, type, answers, ours, expected });
    }
  }
  expect(differences).toEqual([]);
});

test('a guard that is combined from others is refused, because the table would not ask them', () => {
  const machine = setup({ guards: { is: () => true } }).createMachine({
    initial: 'a',
    states: { a: { on: { go: { guard: { type: 'is', params: {} }, target: 'b' } } }, b: {} },
  });
  expect(() => createFolder(machine)).toThrow(/flat/);
});
