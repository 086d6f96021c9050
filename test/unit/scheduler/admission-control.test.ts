import { describe, expect, test } from 'vitest';
import type { Admission } from '#src/core/ports/admission.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { controlAdmission, judgeAdmission } from '#src/scheduler/admission-control.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';

const MEGABYTE = 1_000_000;
const idle = { size: 0, requestBytes: 0, next: 101 };
const log = { bytes: 0, maxBytes: 10 * MEGABYTE, last: 100, isAdmitting: true };

describe('the admission of requests', () => {
  test('ends before the log is full, when the open invocations need the remaining space', () => {
    expect(judgeAdmission({ ...log, bytes: 5 * MEGABYTE }, { ...idle, size: 1_000 })).toBe(true);
    expect(judgeAdmission({ ...log, bytes: 5 * MEGABYTE }, { ...idle, size: 1_400 })).toBe(false);
    expect(judgeAdmission({ ...log, bytes: 5 * MEGABYTE }, { ...idle, size: 10, requestBytes: 2 * MEGABYTE })).toBe(false);
  });

  test('is the same with and without open invocations in a log without a limit', () => {
    const unlimited = { ...log, bytes: 1_000 * MEGABYTE, maxBytes: undefined };
    expect(judgeAdmission(unlimited, { ...idle, size: 1_000_000 })).toBe(true);
    expect(judgeAdmission({ ...unlimited, isAdmitting: false }, idle)).toBe(true);
  });

  test('begins again when a fifth of the limit is free, and not at the share at which it ended', () => {
    const refusing = { ...log, isAdmitting: false };
    expect(judgeAdmission({ ...refusing, bytes: 8.5 * MEGABYTE }, idle)).toBe(false);
    expect(judgeAdmission({ ...refusing, bytes: 7.5 * MEGABYTE }, idle)).toBe(true);
    expect(judgeAdmission({ ...log, bytes: 8.5 * MEGABYTE }, idle)).toBe(true);
  });

  test('does not begin again before the whole log was read', () => {
    const refusing = { ...log, isAdmitting: false };
    expect(judgeAdmission(refusing, { ...idle, next: 100 })).toBe(false);
    expect(judgeAdmission(refusing, { ...idle, next: 101 })).toBe(true);
  });
});

describe('the control of the admission', () => {
  const MAX_BYTES = 100 * MEGABYTE;

  /** Lets a log grow evenly until it refuses requests. Returns the share that is stored then, and the number of looks. */
  async function growUntilRefused(bytesPerMs: number): Promise<{ share: number; looks: number }> {
    const clock = createVirtualClock(0);
    const stop = new AbortController();
    let looks = 0;
    let refusedAt: number | undefined;
    const bytes = (): number => clock.now() * bytesPerMs;
    const admission: Admission = {
      capacity: async () => {
        looks++;
        return { bytes: bytes(), maxBytes: MAX_BYTES, last: 100, isAdmitting: refusedAt === undefined };
      },
      admit: async () => {
        refusedAt = bytes();
      },
    };
    const controlling = controlAdmission({ admission, open: idle, clock, logger: silentLogger, signal: stop.signal });
    while (refusedAt === undefined && bytes() < MAX_BYTES) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.moveTo(clock.now() + 1);
    }
    stop.abort();
    await controlling;
    return { share: (refusedAt ?? bytes()) / MAX_BYTES, looks };
  }

  test('ends the admission in time, however fast the log grows', async () => {
    // From a log that is full after a quarter of a second to one that is full after 10 s.
    for (const bytesPerMs of [400_000, 100_000, 10_000]) {
      const { share } = await growUntilRefused(bytesPerMs);
      expect(share).toBeGreaterThan(0.5);
      expect(share).toBeLessThan(0.91);
    }
  });

  test('looks at most ten times a second at a log that grows slowly and is half full', async () => {
    const { looks } = await growUntilRefused(10_000);
    // The looks of 5 s at ten a second, and those of the further 4 s, at most a hundred a second.
    expect(looks).toBeLessThan(50 + 400);
  });
});
