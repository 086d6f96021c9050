import type { MachineDrawing } from './drawing.ts';

/** One step of a machine, as the log tells it. */
export type Step = { from: string; event: string; to: string };

/** Where a machine stands after some steps, and how it came there. */
export type Taken = {
  active: string;
  /** How often each transition was taken, by its key. */
  edges: ReadonlyMap<string, number>;
  visited: ReadonlySet<string>;
  last: string | undefined;
};

export function edgeKey({ from, event, to }: Step): string {
  return `${from}/${event}/${to}`;
}

export function takenBy({ initial }: Pick<MachineDrawing, 'initial'>, steps: readonly Step[]): Taken {
  const edges = new Map<string, number>();
  const visited = new Set([initial]);
  let active = initial;
  let last: string | undefined;
  for (const step of steps) {
    active = step.to;
    visited.add(step.to);
    last = step.from === step.to ? undefined : edgeKey(step);
    if (last !== undefined) edges.set(last, (edges.get(last) ?? 0) + 1);
  }
  return { active, edges, visited, last };
}
