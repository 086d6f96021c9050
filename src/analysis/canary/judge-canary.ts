import { say } from '#src/analysis/say.ts';
import type { FunctionAlias } from '#src/core/functions/entry.ts';
import type { StatsRow } from '#src/core/history-questions.ts';
import { type AutomaticEnd, automaticEndOf, type Judged, probabilityInWords } from './automatic-end.ts';
import { leastEvidenceOf, type Proportion } from './sequential-test.ts';

/** What happened to the invocations that one version ran. `open`: those that started and have not ended. */
export type VersionCounts = { version: string; accepted: number; failed: number; retried: number; ended: number; open?: number };

/** The judgement of one weighted version of an alias against its main version. */
export type CanaryVerdict = {
  version: string;
  main: string;
  verdict: 'worse' | 'better' | 'undecided';
  test: typeof TEST;
  /** Always valid: between equal versions it falls below 0.05 with a probability of at most 5 %, over all looks together (CAN3). */
  p: number;
  /** The shares of the requests, in percent: by the weight, and as counted; absent while nothing is counted. */
  weight: number;
  share?: number;
  text: string;
  /** The command that acts on the verdict; absent while it is undecided. */
  remedy?: string;
  /** How an automatic canary goes on; absent for a canary that a person ends. */
  automatic?: AutomaticEnd;
};

export type JudgedAlias = Pick<FunctionAlias, 'name' | 'version' | 'weights'> & Partial<Pick<FunctionAlias, 'auto'>>;

/** The probability of any verdict on equal versions, over both measures and all looks together. */
const ERROR = 0.05;
const TEST = 'mixture sequential probability ratio test';
const measures = [
  { of: 'failed', words: '{one} of {canary} failed, {other} of {main}' },
  { of: 'retried', words: '{one} of {canary} needed a retry, {other} of {main}' },
] as const;

/** The invocations that a canary is judged by: those that its alias served since the present weights were set. */
export function judgedInvocations(alias: Pick<FunctionAlias, 'name' | 'weightedAt'>): { qualifier: string; since: number } {
  return { qualifier: `!${alias.name}`, since: alias.weightedAt };
}

/** Counts by version, without the invocations that no version ran. */
export function countsByVersion(rows: readonly StatsRow[]): VersionCounts[] {
  return rows.flatMap(({ version, accepted, byState, byCondition, retried = 0, retriedEnded }) => {
    if (version === undefined || version === null) return [];
    const open = (byState.queued ?? 0) + (byState.running ?? 0) + (byState.retrying ?? 0);
    const canceled = byCondition.InvocationCanceled ?? 0;
    const failed = Object.values(byCondition).reduce((sum, count) => sum + count, 0) - canceled;
    return [{ version, accepted, failed, retried: retriedEnded ?? retried, ended: Math.max(0, accepted - open - canceled), open }];
  });
}

/**
 * Compares each weighted version of an alias with its main version: how many invocations failed, and how many needed a retry. A cancelled
 * invocation says nothing about its version and is left out. `counts` are those of {@link judgedInvocations}.
 */
export function judgeCanary(name: string, alias: JudgedAlias, counts: readonly VersionCounts[]): CanaryVerdict[] {
  const find = (version: string): VersionCounts =>
    counts.find((one) => one.version === version) ?? { version, accepted: 0, failed: 0, retried: 0, ended: 0 };
  const all = counts.reduce((sum, { accepted }) => sum + accepted, 0);
  return Object.keys(alias.weights).map((version) => judgeOne(name, alias, { main: find(alias.version), canary: find(version), all }));
}

type Compared = { main: VersionCounts; canary: VersionCounts; all: number };

function judgeOne(name: string, alias: JudgedAlias, { main, canary, all }: Compared): CanaryVerdict {
  const weight = alias.weights[canary.version] ?? 0;
  const rest = 100 - Object.values(alias.weights).reduce((sum, one) => sum + one, 0);
  const isCompared = weight > 0 && rest > 0;
  const probability = weight / (weight + rest);
  const found = measures.map(({ of, words }) => {
    const [one, other] = [proportionOf(canary, of), proportionOf(main, of)];
    const evidence = leastEvidenceOf({ canary: one, main: isCompared ? other : NO_TRIAL, share: probability });
    const numbers = say(words, { canary: canary.version, main: main.version, one: inWords(one), other: inWords(other) });
    const observed = { canary: withOpen(canary, of), main: withOpen(main, of), share: probability };
    return { numbers, evidence, most: Math.max(evidence.worse, evidence.better), observed };
  });
  // The mean of the evidence of two measures is evidence too, though they depend on each other (CAN2).
  const p = Math.min(1, measures.length / found.reduce((sum, { evidence }) => sum + evidence.worse + evidence.better, 0));
  const { numbers, evidence } = found.reduce((clearest, next) => (next.most > clearest.most ? next : clearest));
  const verdict = p > ERROR ? 'undecided' : evidence.worse > evidence.better ? 'worse' : 'better';
  const versions = { canary: canary.version, main: main.version };
  const text = say(verdictInWords[verdict], { ...versions, numbers, test: say(TEST), p: probabilityInWords(p) });
  const share = all === 0 ? {} : { share: (100 * canary.accepted) / all };
  const judged = { ...versions, verdict, p, text } as const;
  const automatic = automaticPart(name, alias, { ...judged, ended: canary.ended, measured: isCompared ? found : [] });
  const known = { version: canary.version, main: main.version, verdict, test: TEST, p, weight, ...share, text, ...automatic } as const;
  if (verdict === 'undecided') return known;
  return { ...known, remedy: `sequent fn alias ${verdict === 'worse' ? 'rollback' : 'promote'} ${name} ${alias.name}` };
}

function automaticPart(name: string, { name: alias, auto }: JudgedAlias, judged: Judged): Pick<CanaryVerdict, 'automatic'> {
  return auto === undefined || auto === null ? {} : { automatic: automaticEndOf(judged, { name, alias, auto }) };
}

/** A version that the alias sends no requests to is no measure of another one. */
const NO_TRIAL: Proportion = { count: 0, of: 0 };

const verdictInWords = {
  worse: '{canary} is significantly worse than {main}: {numbers} ({test}, p {p})',
  better: '{canary} is significantly better than {main}: {numbers} ({test}, p {p})',
  undecided: '{canary} is not significantly different from {main}: {numbers} ({test}, p {p})',
} as const;

function proportionOf(counts: VersionCounts, of: 'failed' | 'retried'): Proportion {
  return { count: Math.min(counts[of], counts.ended), of: counts.ended };
}

/** An open invocation counts as one that failed: a canary that hangs is not promoted before its invocations time out (CAN6). */
function withOpen(counts: VersionCounts, of: 'failed' | 'retried'): Proportion {
  const { open = 0 } = counts;
  const ended = proportionOf(counts, of);
  return { count: ended.count + open, of: ended.of + open };
}

function inWords({ count, of }: Proportion): string {
  const share = of === 0 ? '' : ` (${Number(((count / of) * 100).toPrecision(2))} %)`;
  return say('{count} of {all}{share}', { count, all: of, share });
}
