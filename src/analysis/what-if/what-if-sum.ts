import type { Supposition } from './what-if.ts';

/** The sum of all suppositions. */
export type Sum = {
  invocations: number;
  same: number;
  different: number;
  undecided: number;
  /** The number of invocations by changed outcome, such as `succeeded → failed (EventAgeExceeded)`. */
  changes: Record<string, number>;
  /** Of the decided invocations: their attempts, recorded and supposed. */
  attempts: { recorded: number; supposed: number };
  /** How much later the decided invocations would have ended, in total; negative for earlier. */
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
