import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import type { History } from '#src/analysis/history.ts';
import { createHistoryCollector } from '#src/analysis/history-collector.ts';
import { whatIf } from '#src/analysis/what-if/what-if.ts';
import { createSum } from '#src/analysis/what-if/what-if-sum.ts';
import { readRecording, recordings } from '#test/support/histories/recorded-histories.ts';
import { failed, ID, queued, retrying, running, succeeded, terms } from '#test/support/log/facts.ts';
import { runGoodLog } from '#test/support/log/good-log.ts';

function historyOf(...facts: Fact[]): History {
  return { requestId: ID, function: 'orders', transitions: facts.map((fact, index) => ({ sequence: index + 1, by: 'w1', fact })) };
}

/** Failed twice, then succeeded: attempts of 10 ms, with delays of one and two seconds. */
const flaky = historyOf(
  queued({ at: 0 }),
  running(1, { at: 10 }),
  retrying(1, { at: 20, dueAt: 1_020 }),
  running(2, { at: 1_020 }),
  retrying(2, { at: 1_030, dueAt: 3_030 }),
  running(3, { at: 3_035 }),
  succeeded(3, { at: 3_045 }),
);
const hopeless = historyOf(
  queued({ at: 0 }),
  running(1, { at: 10, terms: { ...terms, maxRetries: 1 } }),
  retrying(1, { at: 20, dueAt: 1_020 }),
  running(2, { at: 1_020 }),
  failed(2, { at: 1_030 }),
);

describe('under another policy', () => {
  test('fewer retries end an invocation earlier', () => {
    expect(whatIf(flaky, { maxRetries: 1 })).toMatchObject({
      kind: 'different',
      recorded: { outcome: 'succeeded', attempts: 3 },
      supposed: { outcome: 'failed', condition: 'UnhandledInvocationError', attempts: 2, at: 1_030 },
    });
    expect(whatIf(flaky, { maxRetries: 0 })).toMatchObject({ supposed: { outcome: 'failed', attempts: 1, at: 20 } });
  });

  test('more retries than were made are undecided', () => {
    expect(whatIf(hopeless, { maxRetries: 3 })).toMatchObject({
      kind: 'undecided',
      attempts: 2,
      why: expect.stringContaining('attempt 3'),
    });
    expect(whatIf(flaky, { maxRetries: 3 })).toMatchObject({ kind: 'same' });
  });

  test('a longer delay moves the later attempts, including their lateness', () => {
    const moved = whatIf(flaky, { backoff: { initialInMs: 5_000 } });
    // 10 + 10 ms, 5 s, 10 ms, 10 s, 5 ms of lateness, 10 ms.
    expect(moved).toMatchObject({ kind: 'same', supposed: { outcome: 'succeeded', attempts: 3, at: 15_045 } });
  });

  test('a longer delay can outlast the age', () => {
    expect(whatIf(flaky, { backoff: { initialInMs: 50_000 } })).toMatchObject({
      kind: 'different',
      supposed: { outcome: 'failed', condition: 'EventAgeExceeded', attempts: 2, at: 60_000 },
    });
  });

  test('a shorter maximum age ends an invocation that waited longer, also for its first attempt', () => {
    expect(whatIf(flaky, { maxAgeInMs: 3_000 })).toMatchObject({
      supposed: { condition: 'EventAgeExceeded', attempts: 2, at: 3_000 },
    });
    expect(whatIf(flaky, { maxAgeInMs: 5 })).toMatchObject({ supposed: { condition: 'EventAgeExceeded', attempts: 0, at: 5 } });
  });

  test('a longer maximum age leaves an expired invocation undecided', () => {
    const [expired] = readRecording('0.2.0/aging-too-old.json').histories as [History];
    const tooOld = failed(1, { condition: 'EventAgeExceeded', at: 3_600_000 });
    const retried = historyOf(queued({ at: 0 }), running(1, { at: 10 }), retrying(1, { at: 20, dueAt: 3_600_000 }), tooOld);
    for (const history of [expired, retried]) {
      expect(whatIf(history, { maxAgeInMs: 86_400_000 })).toMatchObject({ kind: 'undecided', recorded: { condition: 'EventAgeExceeded' } });
    }
  });

  test('an invocation that never ran for another reason ends the same', () => {
    for (const file of ['0.2.0/greet-no-json.json', '0.2.0/nobody-unknown-function.json']) {
      const [history] = readRecording(file).histories as [History];
      expect(whatIf(history, { maxRetries: 3 })).toMatchObject({ kind: 'same' });
    }
  });

  test('an open invocation is undecided, unless the policy would have ended it', () => {
    const open = historyOf(queued(), running(1, { at: 10 }), retrying(1, { at: 20, dueAt: 1_020 }));
    expect(whatIf(open, { maxAgeInMs: 30_000 })).toMatchObject({ kind: 'undecided', recorded: undefined });
    expect(whatIf(open, { maxRetries: 0 })).toMatchObject({ kind: 'different', recorded: undefined, supposed: { attempts: 1 } });
  });
});

describe('under its own policy', () => {
  test('every invocation of a log ends with its recorded outcome, at its recorded time', async () => {
    const entries = await runGoodLog(200);
    const { sum, add } = createSum();
    const collector = createHistoryCollector((history) => {
      const supposition = whatIf(history, {});
      add(supposition);
      if (supposition.kind !== 'undecided') expect(supposition.supposed).toEqual(supposition.recorded);
    });
    for (const entry of entries) collector.read(entry);
    collector.finish();
    expect(sum).toMatchObject({ different: 0, undecided: 0, laterInMs: 0, changes: {} });
    expect(sum.invocations).toBeGreaterThan(200);
  });

  test.for(recordings)('a recorded history ends with its outcome, or is open: %s', (file) => {
    for (const history of readRecording(file).histories) {
      const supposition = whatIf(history, {});
      expect(supposition.kind).toBe(supposition.recorded === undefined ? 'undecided' : 'same');
    }
  });
});

describe('the sum', () => {
  test('counts the invocations that would have ended differently, by their change', async () => {
    const { sum, add } = createSum();
    const collector = createHistoryCollector((history) => history.function === 'orders' && add(whatIf(history, { maxRetries: 0 })));
    for (const entry of await runGoodLog(70)) collector.read(entry);
    collector.finish();
    // Every fifth invocation needs three attempts, every seventh never succeeds; two are both.
    expect(sum).toMatchObject({ invocations: 70, different: 22, undecided: 0, same: 48 });
    expect(sum.changes).toEqual({
      'succeeded → failed (UnhandledInvocationError)': 12,
      'failed (UnhandledInvocationError) after another number of attempts': 10,
    });
    expect(sum.attempts.recorded - sum.attempts.supposed).toBe(44);
    expect(sum.laterInMs).toBeLessThan(0);
  });
});
