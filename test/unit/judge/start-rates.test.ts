import { describe, expect, test } from 'vitest';
import type { RawMessage } from '#src/judge/evidence.ts';
import { judge } from '#src/judge/judge.ts';
import { plant } from '#test/support/judge/plant.ts';
import { findAboveRate, type OrderedFact } from '#test/support/log/flow-starts.ts';

const BEGIN = 1_796_000_000_000;
const RATE = { limit: 10, perInMs: 1_000, burst: 1 };
const TOLERANCE_IN_MS = 50;

/** The start of an attempt: the time that its worker wrote, and the time at which the server stored it. */
type Start = { writtenAt: number; storedAt: number };

const running = ({ writtenAt }: Start, invocation: string) => ({
  type: 'running' as const,
  invocation,
  at: BEGIN + writtenAt,
  attempt: 1,
  worker: 'w',
  terms: { maxRetries: 0 },
});

/** A log of requests, followed by the starts of their attempts. */
function logOf(starts: readonly Start[]): RawMessage[] {
  const idOf = (index: number): string => `request-${index}`;
  const requests = starts.map((_, index) => ({
    sequence: index + 1,
    at: BEGIN - starts.length + index,
    subject: 'invoke.rated',
    headers: { 'Request-Id': idOf(index) },
    data: '{}',
  }));
  const appends = starts.map((start, index) => ({
    sequence: starts.length + index + 1,
    at: BEGIN + start.storedAt,
    subject: `invocation.rated.${idOf(index)}`,
    headers: {},
    data: JSON.stringify({ previous: 0, request: index + 1, facts: [running(start, idOf(index))] }),
  }));
  return [...requests, ...appends];
}

const rulesBroken = (starts: readonly Start[]): string[] => {
  const expected = { rated: { rate: { ...RATE, toleranceInMs: TOLERANCE_IN_MS } } };
  return judge(plant({ log: logOf(starts), client: [], expected }, {})).map((problem) => problem.split(':')[0] ?? '');
};

const countAboveRate = (starts: readonly Start[]): number => {
  const facts = starts.map((start, index) => ({ fact: running(start, `request-${index}`), storedAt: BEGIN + start.storedAt }));
  return findAboveRate(facts as unknown as OrderedFact[], RATE, TOLERANCE_IN_MS).length;
};

describe('a rate is judged by the times at which the server stored the starts (RATE1)', () => {
  test('a worker that stands still between the time of a start and its append exceeds no rate', () => {
    const starts = [
      { writtenAt: 0, storedAt: 0 },
      { writtenAt: 10, storedAt: 300 },
      { writtenAt: 20, storedAt: 600 },
    ];
    expect(rulesBroken(starts)).toEqual([]);
    expect(countAboveRate(starts)).toBe(0);
  });

  test('starts that are stored faster than the rate exceed the rate, whatever times the workers wrote', () => {
    const starts = [
      { writtenAt: 0, storedAt: 0 },
      { writtenAt: 1_000, storedAt: 49 },
    ];
    expect(rulesBroken(starts)).toEqual(['RATE1']);
    expect(countAboveRate(starts)).toBe(1);
  });

  test('two processes that write the ledger may differ by the tolerance', () => {
    const starts = [
      { writtenAt: 0, storedAt: 0 },
      { writtenAt: 0, storedAt: 50 },
    ];
    expect(rulesBroken(starts)).toEqual([]);
    expect(countAboveRate(starts)).toBe(0);
  });
});
