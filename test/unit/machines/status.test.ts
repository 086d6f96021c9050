import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import { failed, notified, queued, retrying, running, succeeded } from '#test/support/log/facts.ts';
import { fold } from '#test/support/log/given.ts';

const folded = (...past: readonly Fact[]): Invocation => fold(invocationFolder, past);

describe('the status of an invocation', () => {
  test('is FunctionGraph’s', () => {
    expect(statusOf(folded(queued()))).toBe('WAIT');
    expect(statusOf(folded(queued(), running(1)))).toBe('RUNNING');
    expect(statusOf(folded(queued(), running(1), retrying(1)))).toBe('RUNNING');
    expect(statusOf(folded(queued(), running(1), succeeded(1)))).toBe('SUCCESS');
    expect(statusOf(folded(queued(), running(1), failed(1)))).toBe('FAIL');
  });

  test('is DISCARD for an invocation that age or a loop ended before its first attempt', () => {
    for (const condition of ['EventAgeExceeded', 'LoopDetected'] as const) {
      expect(statusOf(folded(queued(), failed(0, { condition })))).toBe('DISCARD');
      expect(statusOf(folded(queued(), running(1), retrying(1), failed(1, { condition })))).toBe('FAIL');
    }
    expect(statusOf(folded(queued(), failed(0, { condition: 'FunctionNotFound' })))).toBe('FAIL');
  });

  test('stays that of the outcome once it is notified', () => {
    expect(statusOf(folded(queued(), running(1), succeeded(1), notified()))).toBe('SUCCESS');
    expect(statusOf(folded(queued(), failed(0, { condition: 'EventAgeExceeded' }), notified()))).toBe('DISCARD');
  });
});
