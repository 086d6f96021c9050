import { describe, expect, test } from 'vitest';
import { diffStates } from '#src/analysis/diff.ts';
import { type History, momentsOf, stateOf, upTo } from '#src/analysis/history.ts';
import { readRecording, recordings } from '#test/support/histories/recorded-histories.ts';

const [history] = readRecording('0.2.0/retried-success-after-retries.json').histories as [History];
const sequences = history.transitions.map(({ sequence }) => sequence);

describe('an invocation as of a moment', () => {
  test('is in the state that the last transition led to', () => {
    expect(sequences.map((sequence) => stateOf(upTo(history, { sequence })).value)).toEqual([
      'queued',
      'running',
      'retrying',
      'running',
      'retrying',
      'running',
      'notified',
      'notified',
    ]);
  });

  test('is initial before its acceptance', () => {
    expect(stateOf(upTo(history, { sequence: 1 })).value).toBe('initial');
    expect(stateOf(upTo(history, { at: 0 })).value).toBe('initial');
  });

  test('does not change between two transitions', () => {
    const retry = history.transitions.find(({ fact }) => fact.type === 'retrying')?.fact.at ?? 0;
    expect(stateOf(upTo(history, { at: retry - 1 })).value).toBe('running');
    expect(stateOf(upTo(history, { at: retry })).value).toBe('retrying');
  });

  test.for(recordings)('has the same states when folded step by step and as a whole: %s', (file) => {
    for (const one of readRecording(file).histories) {
      const moments = momentsOf(one);
      for (const [index, { after }] of moments.entries()) {
        expect(stateOf({ transitions: one.transitions.slice(0, index + 1) })).toEqual(after);
        expect(moments[index + 1]?.before ?? after).toBe(after);
      }
    }
  });
});

describe('the difference of two states', () => {
  const at = (sequence: number | undefined) => stateOf(upTo(history, { sequence: sequence ?? 0 }));

  test('names each changed value, with the value before and after', () => {
    const changes = diffStates(at(sequences[1]), at(sequences[2]));
    expect(changes.map(({ path }) => path)).toEqual([
      'value',
      'context.retries',
      'context.worker',
      'context.startedAt',
      'context.dueAt',
      'context.failure',
    ]);
    expect(changes.map(({ words }) => words).slice(0, 2)).toEqual(['it was running and is retrying', 'retries went from 0 to 1']);
    expect(changes[4]?.words).toMatch(/^dueAt is now \d{4}-\d\d-\d\dT.*Z$/);
  });

  test('is empty for a state and itself', () => {
    for (const sequence of sequences) expect(diffStates(at(sequence), at(sequence))).toEqual([]);
  });

  test('is reversed with its states', () => {
    const forth = diffStates(at(sequences[0]), at(sequences.at(-1)));
    const back = diffStates(at(sequences.at(-1)), at(sequences[0]));
    expect(back.map(({ path, before, after }) => ({ path, before: after, after: before }))).toEqual(
      forth.map(({ path, before, after }) => ({ path, before, after })),
    );
  });
});
