import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { mutatedFiles } from '#test/simulate/mutations/mutated-files.ts';
import { mutations } from '#test/simulate/mutations/mutations.ts';
import { notJudged, outside } from '#test/simulate/mutations/outside.ts';
import { twins, withoutTwin } from '#test/specification/twins.ts';
import { chosenInTurn } from '#test/support/seeded-random.ts';

const checkout = fileURLToPath(new URL('../../..', import.meta.url));

// `npm run simulate:mutations` takes minutes: CI runs four mutations in turn, and shows for each that it still finds its texts.
test.for(mutations)('the mutation "$name" still applies to the sources', (mutation) => {
  expect(mutatedFiles(mutation, checkout).size).toBeGreaterThan(0);
});

describe('the twins of the mutations', () => {
  const names = new Set(mutations.map(({ name }) => name));

  test.for([...names])('the mutation "%s" has a twin in a model, or a reason why no model has it', (name) => {
    expect([twins.has(name), Object.hasOwn(withoutTwin, name)].filter(Boolean)).toHaveLength(1);
  });

  test('no reason is kept for a mutation that is gone', () => {
    expect(Object.keys(withoutTwin).filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('what a client sees of the mutations', () => {
  const names = mutations.map(({ name }) => name);

  test('is said of each mutation, and of no other one', () => {
    expect([...Object.keys(outside), ...Object.keys(notJudged)].toSorted()).toEqual(names.toSorted());
  });

  test('has one sentence as the reason of what is unseen', () => {
    const reasons = [...Object.values(outside).flatMap(({ unseen }) => unseen ?? []), ...Object.values(notJudged)];
    for (const reason of reasons) expect(reason).toMatch(/^[a-z][^\n]{20,}[^.\n]$/);
  });
});

describe('the mutations of a commit', () => {
  const items = Array.from({ length: 10 }, (_, index) => index);

  test('are four, and those of numbers that follow one another come to all', () => {
    const chosen = ['0', '1', '2'].map((turn) => chosenInTurn(items, turn));
    expect(chosen).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 0, 1],
    ]);
  });

  test('are all without a number, and a number that is none is refused', () => {
    expect(chosenInTurn(items, undefined)).toEqual(items);
    expect(() => chosenInTurn(items, 'x')).toThrow('--turn x is not a number');
  });
});
