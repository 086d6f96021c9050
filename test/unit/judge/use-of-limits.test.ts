import { describe, expect, test } from 'vitest';
import type { Evidence, RawMessage } from '#src/judge/evidence.ts';
import { plant } from '#test/support/judge/plant.ts';
import { findUnused, medianUses, spansAfter, usesIn } from '#test/support/judge/use-of-limits.ts';

const BEGIN = 1_796_000_000_000;
const SPAN = { from: BEGIN + 10_000, to: BEGIN + 20_000 };
const REQUESTS = 200;
const RUNS_FOR_MS = 1_000;

/** Requests that all wait from the beginning. Attempts start in turn: the n-th one at `startsAt(n)`, and each runs for a second. */
function evidenceOf(expected: NonNullable<Evidence['expected']>, startsAt: (index: number) => number): Evidence {
  const idOf = (index: number): string => `request-${index}`;
  const requests = Array.from(
    { length: REQUESTS },
    (_, index): RawMessage => ({
      sequence: 0,
      at: BEGIN,
      subject: 'invoke.full',
      headers: { 'Request-Id': idOf(index) },
      data: JSON.stringify({ index }),
    }),
  );
  const facts = requests.flatMap((_, index) => {
    const at = BEGIN + startsAt(index);
    const common = { invocation: idOf(index), attempt: 1 };
    return [
      { index, at, fact: { type: 'running', at, ...common, worker: 'w', terms: { maxRetries: 0 } } },
      { index, at: at + RUNS_FOR_MS, fact: { type: 'succeeded', at: at + RUNS_FOR_MS, ...common, payload: '1' } },
    ];
  });
  const appends = facts
    .sort((one, other) => one.at - other.at)
    .map(({ index, at, fact }): RawMessage => {
      const data = JSON.stringify({ previous: 0, request: index + 1, facts: [fact] });
      return { sequence: 0, at, subject: `invocation.full.${idOf(index)}`, headers: {}, data };
    });
  const log = [...requests, ...appends].map((message, index) => ({ ...message, sequence: index + 1 }));
  return plant({ log, client: [], expected }, {});
}

const rate = { full: { rate: { limit: 10, perInMs: 1_000, burst: 1, toleranceInMs: 0 } } };
const limit = { full: { limit: 4 } };
/** With so many attempts at one time, one starts when another one ends. */
const atOnce =
  (count: number) =>
  (index: number): number =>
    Math.floor(index / count) * RUNS_FOR_MS;

describe('the use of a limit while work waits', () => {
  test.for([
    ['a rate whose tokens are all used', rate, (index: number) => index * 100],
    ['a limit whose slots are all used', limit, atOnce(4)],
  ] as const)('is whole for %s', ([, expected, startsAt]) => {
    const [use] = usesIn(evidenceOf(expected, startsAt), SPAN);
    expect(use?.share).toBeCloseTo(1, 1);
    expect(findUnused([use ?? { of: '', waitedMs: 0, share: 0 }])).toEqual([]);
  });

  test.for([
    ['a rate that gives three tokens of four', rate, (index: number) => index * 133, '0.75'],
    ['a limit of which one slot of four is never free', limit, atOnce(3), '0.75'],
  ] as const)('names %s', ([, expected, startsAt, share]) => {
    const found = findUnused(usesIn(evidenceOf(expected, startsAt), SPAN));
    expect(found).toEqual([`the limit of full was used to ${share} in 10000 ms in which work waited, and at least 0.8 should be`]);
  });

  test('is not measured where no work waits, and where a pool is shared', () => {
    expect(
      usesIn(
        evidenceOf(limit, () => 0),
        SPAN,
      ),
    ).toEqual([]);
    expect(usesIn(evidenceOf({ full: { limit: 4, pool: 'shared' } }, atOnce(3)), SPAN)).toEqual([]);
    expect(usesIn(evidenceOf({ full: {} }, atOnce(3)), SPAN)).toEqual([]);
  });

  test('is the median of several spans, for each limit', () => {
    const useOf = (of: string, share: number) => ({ of, share, waitedMs: 3_000 });
    const spans = [[useOf('a', 0.1), useOf('b', 0.9)], [useOf('a', 0.9)], [useOf('a', 1)]];
    expect(medianUses(spans)).toEqual([
      { of: 'a', share: 0.9, waitedMs: 9_000 },
      { of: 'b', share: 0.9, waitedMs: 3_000 },
    ]);
  });

  test('is measured from five seconds after a fault until the next one', () => {
    const faults = [
      { from: 1_000, to: 2_000 },
      { from: 4_000, to: 5_000 },
      { from: 20_000, to: 21_000 },
    ];
    expect(spansAfter(faults, 30_000)).toEqual([
      { from: 10_000, to: 20_000 },
      { from: 26_000, to: 30_000 },
    ]);
  });
});
