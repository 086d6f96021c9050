import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { abortWithin } from '#src/core/time/abort-within.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Longer than the limit by far, on any machine. */
const GIVEN_UP_AFTER_MS = 5_000;

test('a time limit comes although garbage is collected while only a joined signal refers to it', async () => {
  const signal = abortWithin(50, new AbortController().signal);
  const startedAt = performance.now();
  while (!signal.aborted && performance.now() - startedAt < GIVEN_UP_AFTER_MS) {
    collectGarbage();
    await setImmediate();
  }
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
});

test('a time limit ends early with another signal', () => {
  const other = new AbortController();
  const signal = abortWithin(GIVEN_UP_AFTER_MS, other.signal);
  other.abort();
  expect(signal.aborted).toBe(true);
});
