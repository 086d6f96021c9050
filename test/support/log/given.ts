import { expect } from 'vitest';
import type { AnyMachineSnapshot, AnyStateMachine, EventFromLogic, SnapshotFrom } from 'xstate';
import { createFolder, type Folder } from '#machines/fold.ts';

type Claim = { state: string; effects?: readonly string[]; context?: object };

/** `given(machine, …past).when(fact).expect(…)`: one claim about one transition. */
export type Given<Machine extends AnyStateMachine> = {
  when(fact: EventFromLogic<Machine>): {
    expect(claim: Claim): void;
    /** Asserts that the machine refuses the fact and leaves the snapshot unchanged. */
    expectRefusal(): void;
  };
};

/** Throws when the machine refuses a fact of the past, because a test on an impossible past proves nothing. */
export function given<Machine extends AnyStateMachine>(machine: Machine, ...past: readonly EventFromLogic<Machine>[]): Given<Machine> {
  const folder = createFolder(machine);
  const before = fold(folder, past);
  return {
    when(fact) {
      const step = folder.step(before, fact);
      return {
        expect({ state, effects = [], context = {} }) {
          if (step === undefined) throw new Error(`refused: ${fact.type} in ${stateOf(before)}`);
          expect(stateOf(step.snapshot)).toBe(state);
          expect(step.effects).toEqual(effects);
          expect((step.snapshot as AnyMachineSnapshot).context).toMatchObject(context);
        },
        expectRefusal() {
          expect(step).toBeUndefined();
        },
      };
    },
  };
}

/** Folds a past; throws when the machine refuses one of its facts. */
export function fold<Machine extends AnyStateMachine>(
  folder: Folder<Machine>,
  past: readonly EventFromLogic<Machine>[],
): SnapshotFrom<Machine> {
  let snapshot = folder.initial;
  for (const fact of past) {
    const step = folder.step(snapshot, fact);
    if (step === undefined) throw new Error(`the past is impossible: ${fact.type} is refused in ${stateOf(snapshot)}`);
    snapshot = step.snapshot;
  }
  return snapshot;
}

function stateOf(snapshot: SnapshotFrom<AnyStateMachine>): string {
  return (snapshot as AnyMachineSnapshot).value as string;
}
