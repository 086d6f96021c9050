import { say } from '#src/analysis/say.ts';
import { DEFAULT_MARGIN, type FunctionAlias } from '#src/core/functions/entry.ts';
import { leastEvidenceWithin, type Observed, trialsUntil } from './sequential-test.ts';

/** How an automatic canary goes on. */
export type AutomaticEnd =
  | { kind: 'promoted' | 'rolled-back'; p: number; why: string }
  /** Fewer invocations of the canary ended than `promoteAfter`. */
  | { kind: 'collecting' }
  /** `more`: about how many ended invocations of the canary are missing; absent when no number decides. */
  | { kind: 'undecided'; more?: number; text: string; commands: readonly [promote: string, rollback: string] };

export type Judged = {
  canary: string;
  main: string;
  /** The ended invocations of the canary. */
  ended: number;
  verdict: 'worse' | 'better' | 'undecided';
  p: number;
  text: string;
  /** The counts of each measure, and these counts in words. Empty when the main version gets no requests. */
  measured: readonly { observed: Observed; numbers: string }[];
};

type Automatic = { name: string; alias: string; auto: NonNullable<FunctionAlias['auto']> };

/** The probability that a canary is promoted which is worse by the margin or more, over all looks together (CAN5). */
const ERROR = 0.05;

/**
 * Decides by the verdict when there is one. Otherwise the canary is promoted when `promoteAfter` of its invocations ended and the test excludes,
 * for each measure, that it is worse by the margin or more (CAN5).
 */
export function automaticEndOf(judged: Judged, automatic: Automatic): AutomaticEnd {
  const { canary, main, ended, verdict, p, text, measured } = judged;
  if (verdict === 'worse') return { kind: 'rolled-back', p, why: text };
  if (verdict === 'better') return { kind: 'promoted', p, why: text };
  const { promoteAfter, margin = DEFAULT_MARGIN } = automatic.auto;
  if (ended < promoteAfter) return { kind: 'collecting' };
  const excluded = measured
    .map(({ observed }) => Math.min(1, 1 / leastEvidenceWithin(margin / 100, observed)))
    .reduce((most, one) => Math.max(most, one), measured.length === 0 ? 1 : 0);
  if (excluded > ERROR) return undecided(judged, { ...automatic, margin, p: excluded });
  const why = say('{canary} is not worse than {main} by {margin} or more: {numbers} (p {p})', {
    ...{ canary, main, margin: pointsInWords(margin), p: probabilityInWords(excluded) },
    numbers: measured.map(({ numbers }) => numbers).join('; '),
  });
  return { kind: 'promoted', p: excluded, why };
}

type Undecided = Omit<Automatic, 'auto'> & { margin: number; p: number };

function undecided({ canary, main, ended, measured }: Judged, { name, alias, margin, p }: Undecided): AutomaticEnd {
  const commands = [`sequent fn alias promote ${name} ${alias}`, `sequent fn alias rollback ${name} ${alias}`] as const;
  const known = { canary, main, ended, margin: pointsInWords(margin), p: probabilityInWords(p) };
  const most = measured
    .map(({ observed }) => trialsUntil(1 / ERROR, margin / 100, observed) ?? Number.POSITIVE_INFINITY)
    .reduce((one, other) => Math.max(one, other), 0);
  if (measured.length === 0 || most === Number.POSITIVE_INFINITY) {
    const text = say(
      '{canary} stays after {ended} ended invocations, until a person decides: {main} gets no requests to compare with',
      known,
    );
    return { kind: 'undecided', text, commands };
  }
  const more = Number(most.toPrecision(2));
  const text = say(
    '{canary} stays after {ended} ended invocations: that it is worse than {main} by {margin} or more is not excluded (p {p}). About {more} more of its invocations exclude it if both versions fail equally often',
    { ...known, more },
  );
  return { kind: 'undecided', more, text, commands };
}

function pointsInWords(margin: number): string {
  return margin === 1 ? say('1 percentage point') : say('{count} percentage points', { count: margin });
}

export function probabilityInWords(p: number): string {
  return p < 0.001 ? '< 0.001' : `= ${p.toFixed(3)}`;
}
