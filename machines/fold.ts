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
/** Writes the values of an assignment into a copy of the context. */
type Assign = (next: Context, input: AssignmentInput) => void;
type Guard = (input: AssignmentInput) => boolean;
type Action = { name: string; assignment: Assignment | undefined };
/** What a transition does: its assignments in XState's order, the effects that it asks for, and the state that it enters. */
type Plan = { assignments: readonly Assign[]; effects: readonly string[]; entered: Snapshot | undefined };
/** A transition that a state has for a type of fact. Without a guard, the transition is always taken. */
type Candidate = { guard: Guard | undefined; plan: Plan };
type State = { snapshot: Snapshot; entry: readonly Action[]; exit: readonly Action[] };
type Transition = {
  source: { key: string };
  target?: readonly { key: string }[] | undefined;
  guard?: unknown;
  actions: readonly unknown[];
};

/**
 * Makes the folder of a flat machine; throws when the machine is not flat.
 *
 * XState names the transitions of each state in the order in which it tries them, once for each type of fact. The folder asks their guards
 * and applies their actions in XState's order (docs/performance.md H1). Tests compare every step with XState's own `transition`, and the
 * selection with XState's for all answers of the guards.
 */
export function createFolder<Machine extends AnyStateMachine>(machine: Machine): Folder<Machine> {
  const states = new Map(Object.entries(machine.states).map(([name, node]) => [name, stateOf(machine, name, node)]));
  const candidates = candidatesOf(machine, states);
  const entryEffects = new Map([...states].map(([name, { entry }]) => [name, effectsOf(entry)]));
  const table = new Map([...states.keys()].map((name) => [name, new Map<string, readonly Candidate[]>()]));
  const candidatesFor = ({ value }: Snapshot, { type }: Fact): readonly Candidate[] => {
    const row = table.get(value);
    const known = row?.get(type);
    if (known !== undefined) return known;
    const found = transitionsFor(machine, value, type).map((transition) => candidates.get(transition) as Candidate);
    row?.set(type, found);
    return found;
  };
  const select = (snapshot: Snapshot, fact: Fact): Plan | undefined => {
    if (snapshot.status !== 'active') return undefined;
    const input = { context: snapshot.context, event: fact };
    for (const { guard, plan } of candidatesFor(snapshot, fact)) if (guard === undefined || guard(input)) return plan;
    return undefined;
  };
  return {
    initial: createActor(machine).getSnapshot() as SnapshotFrom<Machine>,
    step(snapshot, fact) {
      const before = snapshot as Snapshot;
      const plan = select(before, fact);
      if (plan === undefined) return undefined;
      let { context } = before;
      for (const assign of plan.assignments) {
        const next = { ...context };
        assign(next, { context, event: fact });
        context = next;
      }
      return { snapshot: { ...(plan.entered ?? before), context } as SnapshotFrom<Machine>, effects: plan.effects };
    },
    accepts: (snapshot, fact) => select(snapshot as Snapshot, fact) !== undefined,
    entryEffects: (snapshot) => entryEffects.get((snapshot as Snapshot).value) as readonly string[],
  };
}

/**
 * The transitions of a state for a type of fact, in the order in which XState tries them.
 *
 * XState is asked with guards that count: the n-th guard that it asks belongs to the n-th transition. A transition without a guard ends the
 * list, because XState takes it at once.
 */
function transitionsFor(machine: AnyStateMachine, state: string, type: string): Transition[] {
  const found: Transition[] = [];
  for (;;) {
    let asked = 0;
    const guards = new Proxy({}, { get: () => () => asked++ === found.length });
    const probe = { value: state, context: {}, machine: { implementations: { guards } } };
    const [selected] = machine.getTransitionData(probe as never, { type } as never) as readonly Transition[];
    if (selected === undefined) return found;
    found.push(selected);
    if (selected.guard === undefined) return found;
  }
}

/** The guard of a transition. Throws for a guard that is not a named function. */
function guardOf(machine: AnyStateMachine, { guard }: Transition): Guard | undefined {
  if (guard === undefined) return undefined;
  const found = typeof guard === 'string' ? (machine.implementations.guards[guard] as Guard | undefined) : undefined;
  if (typeof found === 'function' && !('check' in found)) return found;
  throw new Error(`a guard of the machine ${machine.id} has a feature that a flat machine lacks: it is not a named function`);
}

/** Single stores, because a second spread into an object costs more than the rest of a step (docs/performance.md H1). */
function assignOf(assignment: Assignment): Assign {
  if (typeof assignment === 'function') {
    return (next, input) => {
      const values = assignment(input);
      for (const key of Object.keys(values)) next[key] = values[key];
    };
  }
  const entries = Object.entries(assignment);
  return (next, input) => {
    for (const [key, value] of entries) next[key] = typeof value === 'function' ? value(input) : value;
  };
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

function candidatesOf(machine: AnyStateMachine, states: ReadonlyMap<string, State>): ReadonlyMap<Transition, Candidate> {
  const transitions: Transition[] = Object.values(machine.states).flatMap((node) => [...node.transitions.values()].flat());
  return new Map(
    transitions.map((transition) => [transition, { guard: guardOf(machine, transition), plan: planFor(machine, states, transition) }]),
  );
}

/** A transition without a target leaves its state as it is: no exit action and no entry action runs. */
function planFor(machine: AnyStateMachine, states: ReadonlyMap<string, State>, { source, target, actions }: Transition): Plan {
  const entered = target?.[0] === undefined ? undefined : states.get(target[0].key);
  const exited = entered === undefined ? undefined : states.get(source.key);
  const all = [...(exited?.exit ?? []), ...actions.map((action) => actionOf(machine, action)), ...(entered?.entry ?? [])];
  return {
    assignments: all.flatMap(({ assignment }) => (assignment === undefined ? [] : [assignOf(assignment)])),
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
