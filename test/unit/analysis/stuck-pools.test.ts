import { expect, test } from 'vitest';
import { stuckKeys, stuckKeysInWords } from '#src/analysis/explain/stuck-pools.ts';

const NOW = 1_000_000;
const key = { key: 'a', running: 0, waiting: 2, since: NOW - 90_000 };
const pool = { functions: [{ flow: { total: 5 }, isPaused: false }], running: 1, keys: [key, { ...key, key: 'b' }] };

test('keys that wait for more than a minute are stuck when none of them runs and slots are free', () => {
  const stuck = stuckKeys(pool, NOW);
  expect(stuck).toEqual({ keys: ['a', 'b'], waiting: 4, since: NOW - 90_000 });
  if (stuck !== undefined)
    expect(stuckKeysInWords(stuck, NOW)).toMatch(/^4 wait for the key "a" and 1 more for up to 1 min 30 s, although/);
});

test('keys are not stuck while one runs, while all slots are taken, or while a function is paused', () => {
  expect(stuckKeys({ ...pool, keys: [{ ...key, running: 1 }] }, NOW)).toBeUndefined();
  expect(stuckKeys({ ...pool, keys: [{ ...key, since: NOW - 30_000 }] }, NOW)).toBeUndefined();
  expect(stuckKeys({ ...pool, running: 5 }, NOW)).toBeUndefined();
  expect(stuckKeys({ ...pool, functions: [{ flow: undefined, isPaused: true }] }, NOW)).toBeUndefined();
});

test('keys are not stuck before their rate lets the next attempt start, nor while their debounce waits', () => {
  const limited = { ...pool, keys: [{ ...key, nextAt: NOW + 1 }] };
  expect(stuckKeys(limited, NOW)).toBeUndefined();
  expect(stuckKeys(limited, NOW + 61_000)).toMatchObject({ keys: ['a'] });
  const debounced = { ...pool, functions: [{ flow: { debounce: { wait: '1m', maxWait: '5m', keep: 'last' as const } }, isPaused: false }] };
  expect(stuckKeys(debounced, NOW)).toBeUndefined();
  expect(stuckKeys(debounced, NOW + 5 * 60_000)).toMatchObject({ keys: ['a', 'b'] });
});
