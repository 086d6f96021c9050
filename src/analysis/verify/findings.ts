/** A rule of `src/DESIGN.md`. */
export type Rule = 'E2' | 'E3' | 'E4' | 'E5' | 'T1' | 'D1' | 'A1' | 'RDR1';

/** The kinds of defects of a log, each with the rule that it breaks. */
export const findingKinds = {
  'illegal-transition': { rule: 'E2', means: 'a fact that the machine refuses, or in a strict verification the specification' },
  'broken-chain': { rule: 'E3', means: 'an append that does not follow its predecessor' },
  'wrong-link': { rule: 'E3', means: 'an append that does not follow the last accepted message of its stream: no reader counts it' },
  'missing-link': { rule: 'E3', means: 'an append without a link, after an append with one' },
  rewritten: { rule: 'E3', means: 'an append whose headers name another content' },
  'two-outcomes': { rule: 'E4', means: 'an invocation that ended twice' },
  'duplicate-request': { rule: 'E4', means: 'one id for two invocations' },
  'unknown-request': { rule: 'E4', means: 'facts about a request that the log does not hold' },
  'foreign-fact': { rule: 'E4', means: 'a fact about an invocation of another stream' },
  'after-the-end': { rule: 'E4', means: 'a fact about an invocation that has ended' },
  'no-way-on': { rule: 'E4', means: 'an open invocation of which the machine accepts no fact that leads it on' },
  balance: { rule: 'E4', means: 'the accepted invocations are not the sum of the open and the settled ones' },
  'misnumbered-attempt': { rule: 'E5', means: 'an attempt without the next number, or a result of another attempt than the current one' },
  'too-many-retries': { rule: 'E5', means: 'a retry that the terms do not allow' },
  'too-early': { rule: 'T1', means: 'an attempt or a try before its time' },
  'missing-wake-time': { rule: 'T1', means: 'an open invocation without a time at which the scheduler inspects it' },
  'wrong-wake-time': { rule: 'T1', means: 'headers that contradict the facts' },
  'wrong-delivery': { rule: 'D1', means: 'a delivery to a destination that the outcome does not name, or out of order' },
  'unrecorded-redrive': { rule: 'RDR1', means: 'a redrive that the invocation which it runs again does not name' },
  gap: { rule: 'A1', means: 'sequences that hold no message, in the log or in the archive' },
  'damaged-segment': { rule: 'A1', means: 'a segment of the archive that was changed or lost' },
  'lost-messages': { rule: 'A1', means: 'messages of the archive that the log lost' },
  'other-log': { rule: 'A1', means: 'a log that holds other messages than a signed head commits to' },
  'unexplained-erasure': { rule: 'A1', means: 'erased messages without an erasure in the log' },
  unreadable: { rule: 'A1', means: 'a message that this version cannot read: it is foreign, or of a newer version' },
} as const satisfies Record<string, { rule: Rule; means: string }>;

export type FindingKind = keyof typeof findingKinds;

/** One defect, and its sequence in the log. */
export type Finding = {
  kind: FindingKind;
  rule: Rule;
  sequence: number;
  invocation?: string;
  function?: string;
  what: string;
};

/** Keeps the first thousand findings, and counts all. */
export interface Findings {
  readonly list: Finding[];
  readonly count: number;
  report(kind: FindingKind, sequence: number, found: Pick<Finding, 'what' | 'invocation' | 'function'>): void;
}

const MAX_KEPT = 1_000;

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
      if (list.length < MAX_KEPT) list.push({ kind, rule: findingKinds[kind].rule, sequence, ...found });
    },
  };
}
