import { describe, expect, test } from 'vitest';
import { judgeAdmission } from '#src/scheduler/admission-control.ts';

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
