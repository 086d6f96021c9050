import { describe, expect, test } from 'vitest';
import { isLost } from '#src/core/ports/questions/execution-probe.ts';

const started = { startedAt: 1_000, limitInMs: 30_000 };
const endsAt = started.startedAt + started.limitInMs;
const MINUTE = 60_000;

describe('an attempt whose worker is asked (EXEC6)', () => {
  test('is lost at once when nothing answers to the name of the worker, or the worker does not run it', () =>
    expect(isLost(false, { ...started, now: started.startedAt })).toBe(true));

  test('is not lost while its worker says that it runs it, however long that takes', () =>
    expect(isLost(true, { ...started, now: endsAt + 24 * 60 * MINUTE })).toBe(false));

  test('is not lost while its worker is silent, until a minute after its time limit', () => {
    expect(isLost(undefined, { ...started, now: endsAt + MINUTE - 1 })).toBe(false);
    expect(isLost(undefined, { ...started, now: endsAt + MINUTE })).toBe(true);
  });
});
