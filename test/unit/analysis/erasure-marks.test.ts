import { describe, expect, test } from 'vitest';
import { createErasureMarks } from '#src/analysis/verify/erasure-marks.ts';
import { encodeSequences } from '#src/core/log/erased-sequences.ts';
import type { Erasure } from '#src/core/log/erasure.ts';

const erasure: Erasure = {
  v: 1,
  id: 'e1',
  scope: 'everywhere',
  function: 'patients',
  before: 1_000,
  until: 90,
  by: 'a test',
  at: 1_000,
  invocations: 3,
  messages: 3,
};

/** The problems of a log whose messages with these sequences are erased, with the sequences that the erasure names in its parts. */
function problemsOf(erased: readonly number[], named: readonly (readonly number[])[]): string[] {
  const marks = createErasureMarks();
  for (const sequence of erased) marks.read({ kind: 'erased', sequence, at: 1, by: 'e1', leaf: undefined, digest: undefined });
  marks.read({ kind: 'erasure', sequence: 100_000, at: 1, erasure: { ...erasure, until: 99_999 } });
  for (const [part, sequences] of named.entries())
    marks.read({ kind: 'erasure', sequence: 100_001 + part, at: 1, erasure: { ...erasure, sequences: encodeSequences(sequences) } });
  return marks.problems().map(({ sequence, what }) => `${sequence}: ${what}`);
}

describe('an erasure that names its messages', () => {
  test('excuses these messages, in any number of parts, and also while it is under way', () => {
    expect(problemsOf([3, 4, 70_000], [[3, 4, 70_000]])).toEqual([]);
    expect(problemsOf([3, 4, 70_000], [[3, 4], [70_000]])).toEqual([]);
    expect(problemsOf([4], [[3, 4, 70_000]])).toEqual([]);
  });

  test('excuses no other message, although no more are erased than it covers', () => {
    const problem = 'message 5 was erased by e1, but that erasure does not cover this message';
    expect(problemsOf([3, 5, 70_000], [[3, 4, 70_000]])).toEqual([`5: ${problem}`]);
  });

  test('of an earlier version excuses as many messages as it counts', () => {
    expect(problemsOf([3, 5, 6], [])).toEqual([]);
    expect(problemsOf([3, 5, 6, 7], [])).toEqual(['3: 4 messages were erased by e1, but that erasure covers 3']);
  });
});
