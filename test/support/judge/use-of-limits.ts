import type { Evidence, Expected } from '#src/judge/evidence.ts';
import { dueAtOf, groupBy, isOutcome, keyIn, type Life, readLives, requestsIn } from '#src/judge/read-lives.ts';
import { medianOf } from '#test/support/vitest/slowness.ts';

/* How much of each limit and each rate was used while work waited for it, by the raw messages and the times at which the server stored them. */

/** A time in milliseconds since the epoch. */
export type Span = { from: number; to: number };
/** `share`: the part of a limit, or of a rate, that was used in `waitedMs` in which work waited. */
export type Use = { of: string; waitedMs: number; share: number };

/** A fault may take slots away for so long: the lease of a killed worker, and the patience of the scheduler. */
const RECOVERED_AFTER_MS = 5_000;
/** A shorter time with waiting work says little: a few starts more or less are a fifth of the rate. */
const LEAST_WAIT_MS = 2_000;
/** The part of a limit that is used while work waits. */
const LEAST_USE = 0.8;

/** From five seconds after each fault until the next one, and at last until the end. Faults that are closer to each other leave no such time. */
export function spansAfter(faults: readonly Span[], end: number): Span[] {
  return faults
    .map(({ to }, index) => ({ from: to + RECOVERED_AFTER_MS, to: faults[index + 1]?.from ?? end }))
    .filter(({ from, to }) => to - from >= LEAST_WAIT_MS);
}

/**
 * The use of each limit and each rate in a span, by key. A function with a `total` or a `pool` is left out, because others hold up its keys. A start
 * uses the rate for the interval between two starts, so that a burst may use more than all of it.
 */
export function usesIn({ log, expected = {} }: Pick<Evidence, 'log' | 'expected'>, span: Span): Use[] {
  const lives = readLives({ log, client: [] }, log.flatMap(requestsIn), () => {});
  return Object.entries(expected).flatMap(([fn, rules]) => {
    if (fractionOf(rules) === undefined || rules.total !== undefined || rules.pool !== undefined) return [];
    const own = lives.filter(({ request }) => request.fn === fn);
    return [...groupBy(own, ({ request }) => keyIn(request, rules))].flatMap(([key, ofKey]) => {
      const use = { of: `${fn} ${key}`.trim(), ...useOf(ofKey, rules, span) };
      return use.waitedMs < LEAST_WAIT_MS ? [] : [use];
    });
  });
}

/** The median use of each limit over several spans: a machine that stands still takes away one of them. */
export function medianUses(spans: readonly (readonly Use[])[]): Use[] {
  return [...groupBy(spans.flat(), ({ of }) => of)].map(([of, uses]) => ({
    of,
    waitedMs: uses.reduce((sum, { waitedMs }) => sum + waitedMs, 0),
    share: medianOf(uses.map(({ share }) => share)),
  }));
}

/** Describes the uses that are too small. */
export function findUnused(uses: readonly Use[]): string[] {
  return uses.filter(({ share }) => share < LEAST_USE).map((use) => `${describeUse(use)}, and at least ${LEAST_USE} should be`);
}

export const describeUse = ({ of, share, waitedMs }: Use): string =>
  `the limit of ${of} was used to ${share.toFixed(2)} in ${Math.round(waitedMs)} ms in which work waited`;

/** What one running attempt uses of a limit, or one start of a rate: of the rate, for a millisecond. */
function fractionOf({ limit, rate }: Expected): number | undefined {
  if (rate !== undefined) return rate.perInMs / rate.limit;
  return limit === undefined ? undefined : 1 / limit;
}

/** A change of how many requests wait and how many attempts run. */
type Change = { at: number; waits: number; runs: number };

function useOf(lives: readonly Life[], rules: Expected, span: Span): Pick<Use, 'waitedMs' | 'share'> {
  const changes = lives.flatMap(changesOf).filter(({ at }) => at < span.to);
  changes.sort((one, other) => one.at - other.at);
  const fraction = fractionOf(rules) ?? 0;
  const now = { at: span.from, waits: 0, runs: 0 };
  let [waitedMs, used] = [0, 0];
  for (const change of [...changes, { at: span.to, waits: 0, runs: 0 }]) {
    const isWaiting = now.waits > 0 && change.at > span.from;
    if (isWaiting) {
      waitedMs += change.at - now.at;
      used += fraction * (rules.rate === undefined ? (change.at - now.at) * now.runs : Math.max(0, change.runs));
    }
    now.at = Math.max(span.from, change.at);
    now.waits += change.waits;
    now.runs += change.runs;
  }
  return { waitedMs, share: waitedMs === 0 ? 0 : used / waitedMs };
}

/** A request waits from its time until its first attempt, and again when the log says that its next attempt waits. */
function changesOf({ request, facts }: Life): Change[] {
  const changes: Change[] = [];
  let [isWaiting, isRunning] = [false, false];
  const change = (at: number, waits: boolean, runs: boolean): void => {
    if (waits !== isWaiting || runs !== isRunning)
      changes.push({ at, waits: Number(waits) - Number(isWaiting), runs: Number(runs) - Number(isRunning) });
    [isWaiting, isRunning] = [waits, runs];
  };
  if (dueAtOf(request) === 0) change(request.at, true, false);
  for (const fact of facts) {
    if (fact.type === 'deferred') change(fact.storedAt, true, false);
    else if (fact.type === 'running') change(fact.storedAt, false, true);
    else if (fact.type === 'retrying' || isOutcome(fact)) change(fact.storedAt, false, false);
  }
  return changes;
}
