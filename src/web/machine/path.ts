import type { MachineDrawing } from './drawing.ts';

/** One transition of a machine that is in the log. */
export type Step = { from: string; event: string; to: string };

/** The transitions that a machine took, and the state that they led to. */
export type TakenPath = {
  activeState: string;
  /** How often each transition was taken, by `edgeKey`. */
  edgeCounts: ReadonlyMap<string, number>;
  visitedStates: ReadonlySet<string>;
  /** The key of the last transition; `undefined` when it stayed in its state. */
  lastEdge: string | undefined;
};

/** Identifies a transition, in a drawing and in a path. */
export function edgeKey({ from, event, to }: Step): string {
  return `${from}/${event}/${to}`;
}

/** The path that the steps make from the initial state. */
export function takenPath({ initial }: Pick<MachineDrawing, 'initial'>, steps: readonly Step[]): TakenPath {
  const edgeCounts = new Map<string, number>();
  const visitedStates = new Set([initial]);
  let activeState = initial;
  let lastEdge: string | undefined;
  for (const step of steps) {
    activeState = step.to;
    visitedStates.add(step.to);
    lastEdge = step.from === step.to ? undefined : edgeKey(step);
    if (lastEdge !== undefined) edgeCounts.set(lastEdge, (edgeCounts.get(lastEdge) ?? 0) + 1);
  }
  return { activeState, edgeCounts, visitedStates, lastEdge };
}
