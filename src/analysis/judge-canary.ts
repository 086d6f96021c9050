import type { FunctionAlias } from '#src/core/functions/entry.ts';
import type { StatsRow } from '#src/core/history-questions.ts';
import { type Comparison, compareProportions, type Proportion } from './compare-proportions.ts';
import { say } from './say.ts';

/** What happened to the invocations that one version ran. */
export type VersionCounts = { version: string; accepted: number; failed: number; retried: number; ended: number };

/** The judgement of one weighted version of an alias against its main version. */
export type CanaryVerdict = {
  version: string;
  main: string;
  verdict: 'worse' | 'better' | 'undecided';
  test: Comparison['test'];
  p: number;
  text: string;
  /** The command that acts on the verdict; absent while it is undecided. */
  remedy?: string;
};

/** The probability of a wrong verdict, over both comparisons of a version together. */
const ERROR = 0.05;
const measures = [
  { of: 'failed', words: '{one} of {canary} failed, {other} of {main}' },
  { of: 'retried', words: '{one} of {canary} needed a retry, {other} of {main}' },
] as const;

/** Counts by version, without the invocations that no version ran. */
export function countsByVersion(rows: readonly StatsRow[]): VersionCounts[] {
  return rows.flatMap(({ version, accepted, byState, byCondition, retried = 0 }) => {
    if (version === undefined || version === null) return [];
    const open = (byState.queued ?? 0) + (byState.running ?? 0) + (byState.retrying ?? 0);
    const canceled = byCondition.InvocationCanceled ?? 0;
    const failed = Object.values(byCondition).reduce((sum, count) => sum + count, 0) - canceled;
    return [{ version, accepted, failed, retried, ended: Math.max(0, accepted - open - canceled) }];
  });
}

/**
 * Compares each weighted version of an alias with its main version: how many invocations failed, and how many needed a retry. A cancelled
 * invocation says nothing about its version and is left out.
 */
export function judgeCanary(
  name: string,
  alias: Pick<FunctionAlias, 'name' | 'version' | 'weights'>,
  counts: readonly VersionCounts[],
): CanaryVerdict[] {
  const find = (version: string): VersionCounts =>
    counts.find((one) => one.version === version) ?? { version, accepted: 0, failed: 0, retried: 0, ended: 0 };
  return Object.keys(alias.weights).map((version) => judgeOne(name, alias, { main: find(alias.version), canary: find(version) }));
}

type Pair = { main: VersionCounts; canary: VersionCounts };

function judgeOne(name: string, alias: Pick<FunctionAlias, 'name'>, { main, canary }: Pair): CanaryVerdict {
  const found = measures.map(({ of, words }) => {
    const [one, other] = [proportionOf(canary, of), proportionOf(main, of)];
    return { words, one, other, ...compareProportions(one, other) };
  });
  const [clearest] = found.sort((one, other) => one.p - other.p);
  const { words, one, other, test, p } = clearest as (typeof found)[number];
  const isSignificant = p < ERROR / measures.length;
  const isMore = one.count * other.of > other.count * one.of;
  const verdict = !isSignificant ? 'undecided' : isMore ? 'worse' : 'better';
  const text = say(verdictInWords[verdict], {
    canary: canary.version,
    main: main.version,
    numbers: say(words, { canary: canary.version, main: main.version, one: inWords(one), other: inWords(other) }),
    test: say(test),
    p: p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`,
  });
  const known = { version: canary.version, main: main.version, verdict, test, p, text } as const;
  if (verdict === 'undecided') return known;
  return { ...known, remedy: `sequent fn alias ${verdict === 'worse' ? 'rollback' : 'promote'} ${name} ${alias.name}` };
}

const verdictInWords = {
  worse: '{canary} is significantly worse than {main}: {numbers} ({test}, p {p})',
  better: '{canary} is significantly better than {main}: {numbers} ({test}, p {p})',
  undecided: '{canary} is not significantly different from {main}: {numbers} ({test}, p {p})',
} as const;

function proportionOf(counts: VersionCounts, of: 'failed' | 'retried'): Proportion {
  return { count: Math.min(counts[of], counts.ended), of: counts.ended };
}

function inWords({ count, of }: Proportion): string {
  const share = of === 0 ? '' : ` (${Number(((count / of) * 100).toPrecision(2))} %)`;
  return say('{count} of {all}{share}', { count, all: of, share });
}
