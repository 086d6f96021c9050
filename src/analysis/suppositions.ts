import type { Supposition } from './what-if.ts';

/** All suppositions together. */
export type Sum = {
  invocations: number;
  same: number;
  different: number;
  undecided: number;
  /** How they would have ended otherwise: `succeeded → failed (EventAgeExceeded)`, with how many. */
  changes: Record<string, number>;
  /** Of those that are decided: attempts recorded and supposed, and by how much they would have ended later (or earlier). */
  attempts: { recorded: number; supposed: number };
  laterInMs: number;
};

export function createSum(): { add(supposition: Supposition): void; readonly sum: Sum } {
  const sum: Sum = {
    invocations: 0,
    same: 0,
    different: 0,
    undecided: 0,
    changes: {},
    attempts: { recorded: 0, supposed: 0 },
    laterInMs: 0,
  };
  return {
    sum,
    add(supposition) {
      const { kind, recorded } = supposition;
      sum.invocations++;
      sum[kind]++;
      if (supposition.kind === 'undecided' || recorded === undefined) return;
      const { supposed } = supposition;
      sum.attempts.recorded += recorded.attempts;
      sum.attempts.supposed += supposed.attempts;
      sum.laterInMs += supposed.at - recorded.at;
      if (kind !== 'different') return;
      const [was, would] = [nameEnding(recorded), nameEnding(supposed)];
      const change = was === would ? `${was} after another number of attempts` : `${was} → ${would}`;
      sum.changes[change] = (sum.changes[change] ?? 0) + 1;
    },
  };
}

export function nameEnding({ outcome, condition }: { outcome: string; condition?: string }): string {
  return condition === undefined ? outcome : `${outcome} (${condition})`;
}
