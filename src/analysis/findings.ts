/** A rule of `src/DESIGN.md`. */
export type Rule = 'E2' | 'E3' | 'E4' | 'E5' | 'T1' | 'D1' | 'A1';

/** What can be wrong with a log, and the rule that it breaks. */
export const findingKinds = {
  'illegal-transition': { rule: 'E2', means: 'a fact that the machine refuses' },
  'broken-chain': { rule: 'E3', means: 'an append that does not follow its predecessor' },
  'two-outcomes': { rule: 'E4', means: 'an invocation that ended twice' },
  'two-births': { rule: 'E4', means: 'one id for two invocations' },
  'no-birth': { rule: 'E4', means: 'facts about a request that the log does not hold' },
  stranger: { rule: 'E4', means: 'a fact about an invocation of another stream' },
  'after-the-end': { rule: 'E4', means: 'a fact about an invocation that is over' },
  balance: { rule: 'E4', means: 'accepted is not open and settled together' },
  'misnumbered-attempt': { rule: 'E5', means: 'an attempt with another number than the next, or a report about another than the current' },
  'too-many-retries': { rule: 'E5', means: 'a retry that the terms do not allow' },
  'too-early': { rule: 'T1', means: 'an attempt or a try before its time' },
  unattended: { rule: 'T1', means: 'an open invocation without a time at which somebody looks at it' },
  'wrong-attention': { rule: 'T1', means: 'headers that contradict the facts' },
  'wrong-delivery': { rule: 'D1', means: 'a delivery to nobody who is to be told, or out of order' },
  gap: { rule: 'A1', means: 'sequences that hold no message, in the log or in the archive' },
  'damaged-segment': { rule: 'A1', means: 'a segment of the archive that is not what it was' },
  'unexplained-erasure': { rule: 'A1', means: 'messages that were erased without a word in the log' },
  unreadable: { rule: 'A1', means: 'a message that no version of Sequent wrote, or a newer one did' },
} as const satisfies Record<string, { rule: Rule; means: string }>;

export type FindingKind = keyof typeof findingKinds;

/** One thing that is wrong, and where. */
export type Finding = {
  kind: FindingKind;
  rule: Rule;
  sequence: number;
  invocation?: string;
  function?: string;
  what: string;
};

/** The first thousand findings, and the number of all. */
export interface Findings {
  readonly list: Finding[];
  readonly count: number;
  report(kind: FindingKind, sequence: number, found: Pick<Finding, 'what' | 'invocation' | 'function'>): void;
}

const KEPT = 1_000;

export function createFindings(): Findings {
  const list: Finding[] = [];
  let count = 0;
  return {
    list,
    get count() {
      return count;
    },
    report(kind, sequence, found) {
      count++;
      if (list.length < KEPT) list.push({ kind, rule: findingKinds[kind].rule, sequence, ...found });
    },
  };
}
