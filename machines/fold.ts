import { type AnyStateMachine, createActor, type EventFromLogic, type SnapshotFrom, type StateNode } from 'xstate';

/** What a machine makes of one more fact: the next snapshot and the names of the effects it asks for. */
type Step<Machine extends AnyStateMachine> = { snapshot: SnapshotFrom<Machine>; effects: readonly string[] };

/** Folds facts into snapshots of one machine. Deterministic; performs nothing (E2). */
export interface Folder<Machine extends AnyStateMachine> {
  /** The snapshot before the first fact. */
  readonly initial: SnapshotFrom<Machine>;
  /** Returns the next step, or `undefined` when the machine refuses the fact. */
  step(snapshot: SnapshotFrom<Machine>, fact: EventFromLogic<Machine>): Step<Machine> | undefined;
  /** The effects that the state of a snapshot names on entry. */
  entryEffects(snapshot: SnapshotFrom<Machine>): readonly string[];
}

type Context = Record<string, unknown>;
type Snapshot = { value: string; status: string; context: Context };
type Fact = { type: string };
type Given = { context: Context; event: Fact };
type Assignment = ((given: Given) => Context) | Record<string, unknown>;
type Action = { name: string; assignment: Assignment | undefined };
/** What a transition does: the changes of the context in XState's order, the effects that it asks for, and the state that it enters. */
type Plan = { assignments: readonly Assignment[]; effects: readonly string[]; entered: Snapshot | undefined };
type State = { rest: Snapshot; entry: readonly Action[]; exit: readonly Action[] };
type Transition = { source: { key: string }; target?: readonly { key: string }[] | undefined; actions: readonly unknown[] };

/**
 * Makes the one folder of a machine.
 *
 * XState's own `transition` works for every chart: it builds an actor for a call, and looks for parallel regions, history and
 * eventless transitions (6–10 µs and 10 KB of garbage each). The machines here are flat, so a step is what is left of that: XState says which
 * transition is taken, its actions are applied in XState's order, and the snapshot is XState's own of the state that is entered (1 µs). A property
 * test holds both against each other. Throws when the machine is not flat.
 */
export function createFolder<Machine extends AnyStateMachine>(machine: Machine): Folder<Machine> {
  const states = new Map(Object.entries(machine.states).map(([name, node]) => [name, stateOf(machine, name, node)]));
  const plans = plansOf(machine, states);
  const entryEffects = new Map([...states].map(([name, { entry }]) => [name, effectsOf(entry)]));
  return {
    initial: createActor(machine).getSnapshot() as SnapshotFrom<Machine>,
    step(snapshot, fact) {
      const before = snapshot as Snapshot;
      const [taken] = before.status === 'active' ? machine.getTransitionData(snapshot as never, fact as never) : [];
      if (taken === undefined) return undefined;
      const { assignments, effects, entered } = plans.get(taken) as Plan;
      let { context } = before;
      for (const assignment of assignments) context = { ...context, ...assigned(assignment, { context, event: fact }) };
      return { snapshot: { ...(entered ?? before), context } as SnapshotFrom<Machine>, effects };
    },
    entryEffects: (snapshot) => entryEffects.get((snapshot as Snapshot).value) as readonly string[],
  };
}

function assigned(assignment: Assignment, given: Given): Context {
  if (typeof assignment === 'function') return assignment(given);
  const next: Context = {};
  for (const [key, value] of Object.entries(assignment)) next[key] = typeof value === 'function' ? value(given) : value;
  return next;
}

/** A state with what is done on its edges. Refuses what a flat machine does not have. */
function stateOf(machine: AnyStateMachine, name: string, node: StateNode): State {
  const { always = [], after, invoke, transitions } = node;
  const isFlat = Object.keys(node.states).length + Object.keys(machine.root.on).length + always.length + after.length + invoke.length === 0;
  const isPlain = [...transitions.values()]
    .flat()
    .every(({ target = [] }) => target.length <= 1 && target.every(({ key }) => key !== name));
  if (!isFlat || !isPlain) throw new Error(`the state ${name} of the machine ${machine.id} is more than a flat machine has`);
  const rest = machine.resolveState({ value: name, context: {} } as never) as unknown as Snapshot;
  const named = (actions: readonly unknown[]): Action[] => actions.map((action) => actionOf(machine, action));
  return { rest, entry: named(node.entry), exit: named(node.exit) };
}

/** A flat machine has no transitions but those of its states. */
function plansOf(machine: AnyStateMachine, states: ReadonlyMap<string, State>): ReadonlyMap<Transition, Plan> {
  const transitions = Object.values(machine.states).flatMap((node) => [...node.transitions.values()].flat());
  return new Map(transitions.map((transition) => [transition, planFor(machine, states, transition)]));
}

/** Nothing is left and nothing entered by a transition without a target. */
function planFor(machine: AnyStateMachine, states: ReadonlyMap<string, State>, { source, target, actions }: Transition): Plan {
  const entered = target?.[0] === undefined ? undefined : states.get(target[0].key);
  const left = entered === undefined ? undefined : states.get(source.key);
  const all = [...(left?.exit ?? []), ...actions.map((action) => actionOf(machine, action)), ...(entered?.entry ?? [])];
  return {
    assignments: all.flatMap(({ assignment }) => (assignment === undefined ? [] : [assignment])),
    effects: effectsOf(all),
    entered: entered?.rest,
  };
}

function effectsOf(actions: readonly Action[]): string[] {
  return actions.filter(({ assignment }) => assignment === undefined).map(({ name }) => name);
}

/** An action by its name: an assignment, or an effect that somebody else performs. */
function actionOf(machine: AnyStateMachine, action: unknown): Action {
  const name = typeof action === 'string' ? action : (action as Fact).type;
  const implementation = machine.implementations.actions[name] as { assignment?: Assignment; resolve?: unknown } | undefined;
  if (implementation?.resolve !== undefined && implementation.assignment === undefined) {
    throw new Error(`the action ${name} of the machine ${machine.id} is neither an assignment nor an effect`);
  }
  return { name, assignment: implementation?.assignment };
}
