import { type AnyStateMachine, createActor, type EventFromLogic, type SnapshotFrom, type StateNode } from 'xstate';

/** The result of folding one fact: the next snapshot, and the names of the effects that the fact asks for. */
type Step<Machine extends AnyStateMachine> = { snapshot: SnapshotFrom<Machine>; effects: readonly string[] };

/** Folds facts into snapshots of one machine. Deterministic, and performs nothing (E2). */
export interface Folder<Machine extends AnyStateMachine> {
  /** The snapshot before the first fact. */
  readonly initial: SnapshotFrom<Machine>;
  /** Returns the next step, or `undefined` when the machine refuses the fact. */
  step(snapshot: SnapshotFrom<Machine>, fact: EventFromLogic<Machine>): Step<Machine> | undefined;
  /** Whether `step` would return a step. */
  accepts(snapshot: SnapshotFrom<Machine>, fact: EventFromLogic<Machine>): boolean;
  /** The effects that the state of a snapshot names on entry. */
  entryEffects(snapshot: SnapshotFrom<Machine>): readonly string[];
}

type Context = Record<string, unknown>;
type Snapshot = { value: string; status: string; context: Context };
type Fact = { type: string };
type AssignmentInput = { context: Context; event: Fact };
type Assignment = ((input: AssignmentInput) => Context) | Record<string, unknown>;
type Action = { name: string; assignment: Assignment | undefined };
/** What a transition does: its assignments in XState's order, the effects that it asks for, and the state that it enters. */
type Plan = { assignments: readonly Assignment[]; effects: readonly string[]; entered: Snapshot | undefined };
type State = { snapshot: Snapshot; entry: readonly Action[]; exit: readonly Action[] };
type Transition = { source: { key: string }; target?: readonly { key: string }[] | undefined; actions: readonly unknown[] };

/**
 * Makes the folder of a flat machine; throws when the machine is not flat.
 *
 * XState selects the transition. The folder applies the transition's actions in XState's order, by a plan that it made before
 * (docs/performance.md H1). A property test compares every step with XState's own `transition`.
 */
export function createFolder<Machine extends AnyStateMachine>(machine: Machine): Folder<Machine> {
  const states = new Map(Object.entries(machine.states).map(([name, node]) => [name, stateOf(machine, name, node)]));
  const plans = plansOf(machine, states);
  const entryEffects = new Map([...states].map(([name, { entry }]) => [name, effectsOf(entry)]));
  const select = (snapshot: Snapshot, fact: Fact): Transition | undefined =>
    snapshot.status === 'active' ? machine.getTransitionData(snapshot as never, fact as never)[0] : undefined;
  // What `accepts` selected, until the next step: a guard asks `accepts`, and then an action asks for the same step.
  let accepted: { snapshot: Snapshot; fact: Fact; transition: Transition | undefined } | undefined;
  return {
    initial: createActor(machine).getSnapshot() as SnapshotFrom<Machine>,
    step(snapshot, fact) {
      const before = snapshot as Snapshot;
      const selected = accepted?.snapshot === before && accepted.fact === fact ? accepted.transition : select(before, fact);
      accepted = undefined;
      if (selected === undefined) return undefined;
      const { assignments, effects, entered } = plans.get(selected) as Plan;
      let { context } = before;
      for (const assignment of assignments) context = { ...context, ...assigned(assignment, { context, event: fact }) };
      return { snapshot: { ...(entered ?? before), context } as SnapshotFrom<Machine>, effects };
    },
    accepts(snapshot, fact) {
      const transition = select(snapshot as Snapshot, fact);
      accepted = { snapshot: snapshot as Snapshot, fact, transition };
      return transition !== undefined;
    },
    entryEffects: (snapshot) => entryEffects.get((snapshot as Snapshot).value) as readonly string[],
  };
}

function assigned(assignment: Assignment, input: AssignmentInput): Context {
  if (typeof assignment === 'function') return assignment(input);
  const next: Context = {};
  for (const [key, value] of Object.entries(assignment)) next[key] = typeof value === 'function' ? value(input) : value;
  return next;
}

/** A state with its entry and exit actions. Throws for a feature that a flat machine does not have. */
function stateOf(machine: AnyStateMachine, name: string, node: StateNode): State {
  const { always = [], after, invoke, transitions } = node;
  const isFlat = Object.keys(node.states).length + Object.keys(machine.root.on).length + always.length + after.length + invoke.length === 0;
  const isPlain = [...transitions.values()]
    .flat()
    .every(({ target = [] }) => target.length <= 1 && target.every(({ key }) => key !== name));
  if (!isFlat || !isPlain) throw new Error(`the state ${name} of the machine ${machine.id} has a feature that a flat machine lacks`);
  const snapshot = machine.resolveState({ value: name, context: {} } as never) as unknown as Snapshot;
  const named = (actions: readonly unknown[]): Action[] => actions.map((action) => actionOf(machine, action));
  return { snapshot, entry: named(node.entry), exit: named(node.exit) };
}

function plansOf(machine: AnyStateMachine, states: ReadonlyMap<string, State>): ReadonlyMap<Transition, Plan> {
  const transitions = Object.values(machine.states).flatMap((node) => [...node.transitions.values()].flat());
  return new Map(transitions.map((transition) => [transition, planFor(machine, states, transition)]));
}

/** A transition without a target leaves its state as it is: no exit action and no entry action runs. */
function planFor(machine: AnyStateMachine, states: ReadonlyMap<string, State>, { source, target, actions }: Transition): Plan {
  const entered = target?.[0] === undefined ? undefined : states.get(target[0].key);
  const exited = entered === undefined ? undefined : states.get(source.key);
  const all = [...(exited?.exit ?? []), ...actions.map((action) => actionOf(machine, action)), ...(entered?.entry ?? [])];
  return {
    assignments: all.flatMap(({ assignment }) => (assignment === undefined ? [] : [assignment])),
    effects: effectsOf(all),
    entered: entered?.snapshot,
  };
}

function effectsOf(actions: readonly Action[]): string[] {
  return actions.filter(({ assignment }) => assignment === undefined).map(({ name }) => name);
}

/** The action of a name: an assignment, which the folder applies, or an effect, which a role performs. */
function actionOf(machine: AnyStateMachine, action: unknown): Action {
  const name = typeof action === 'string' ? action : (action as Fact).type;
  const implementation = machine.implementations.actions[name] as { assignment?: Assignment; resolve?: unknown } | undefined;
  if (implementation?.resolve !== undefined && implementation.assignment === undefined) {
    throw new Error(`the action ${name} of the machine ${machine.id} is neither an assignment nor an effect`);
  }
  return { name, assignment: implementation?.assignment };
}
