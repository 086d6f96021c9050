import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffDelay } from '#machines/backoff.ts';
import type { Backoff, Fact, Failure } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { type DecideWhen, expiredFact, expiresAt, failedFact, outcomeFacts } from '#machines/outcome.ts';
import { afterFailure, MAX_LOST_ATTEMPTS } from '#machines/retry.ts';
import {
  alarm,
  billing,
  failed,
  ID,
  queued,
  retrying,
  running,
  succeeded,
  terms,
  threw,
  unplaced,
  vanished,
} from '#test/support/log/facts.ts';
import { fold } from '#test/support/log/given.ts';

const folded = (...past: readonly Fact[]): Invocation => fold(invocationFolder, past);

describe('afterFailure', () => {
  const first = folded(queued(), running(1));

  test('grants a retry after the backoff of the terms, counted from the failure', () => {
    expect(afterFailure(first, { failure: threw, at: 20 })).toEqual(retrying(1, { at: 20, dueAt: 1_020 }));
    const second = folded(queued(), running(1), retrying(1), running(2, { at: 20 }));
    expect(afterFailure(second, { failure: threw, at: 20 })).toMatchObject({ type: 'retrying', attempt: 2, dueAt: 2_020 });
  });

  test('fails with UnhandledInvocationError when no retry is left', () => {
    const last = folded(queued(), running(1, { terms: { ...terms, maxRetries: 0 } }));
    expect(afterFailure(last, { failure: threw, output: 'printed', at: 30 })).toEqual(failed(1, { output: 'printed' }));
    const storedOutput = { reference: 'stored:1.5000.x' };
    expect(afterFailure(last, { failure: threw, output: 'printed', storedOutput, at: 30 })).toMatchObject({
      output: 'printed',
      storedOutput,
    });
  });

  test('makes the attempt after a lost worker due at once', () => {
    expect(afterFailure(first, { failure: vanished, at: 20 })).toMatchObject({ type: 'retrying', dueAt: 20, failure: vanished });
  });

  test('grants an attempt after each of seven lost workers, and fails with SystemError at the eighth', () => {
    const past: Fact[] = [queued()];
    for (let attempt = 1; attempt < MAX_LOST_ATTEMPTS; attempt++) {
      const lost = folded(...past, running(attempt, { at: 20 }));
      expect(afterFailure(lost, { failure: vanished, at: 20 })).toMatchObject({ type: 'retrying', attempt });
      past.push(running(attempt, { at: 20 }), retrying(attempt, { failure: vanished }));
    }
    const last = folded(...past, running(MAX_LOST_ATTEMPTS, { at: 20 }));
    expect(MAX_LOST_ATTEMPTS).toBe(8);
    expect(afterFailure(last, { failure: vanished, at: 30 })).toMatchObject({ type: 'failed', attempt: 8, condition: 'SystemError' });
  });

  test('backs off after platform failures with growing delays, independent of the terms', () => {
    const delays: number[] = [];
    const past: Fact[] = [queued(), running(1, { terms: { ...terms, maxRetries: 0 } })];
    for (let attempt = 1; attempt <= 5; attempt++) {
      const retry = afterFailure(folded(...past), { failure: unplaced, at: 0 });
      if (retry.type !== 'retrying') throw new Error('no retry');
      delays.push(retry.dueAt);
      past.push(retry, running(attempt + 1, { at: retry.dueAt }));
    }
    for (const [index, delay] of delays.entries()) {
      expect(delay).toBeGreaterThan((500 * 2 ** index) / 2);
      expect(delay).toBeLessThanOrEqual(500 * 2 ** index);
    }
  });

  test.each([threw, unplaced, vanished])('grants a synchronous invocation no attempt after $errorType (SYNC1)', (failure) => {
    const only = folded(queued(), running(1, { terms: { ...terms, maxRetries: 3, synchronous: true } }));
    const end = afterFailure(only, { failure, at: 20 });
    expect(end).toMatchObject({ type: 'failed', condition: failure.kind === 'function' ? 'UnhandledInvocationError' : 'SystemError' });
    expect(invocationFolder.accepts(only, retrying(1, { failure, at: 20, dueAt: 20 }))).toBe(false);
  });

  test('ends an invocation after a non-retryable error, whatever retries are left', () => {
    const failure = { ...threw, retryable: false } as const;
    expect(afterFailure(first, { failure, at: 20 })).toMatchObject({ type: 'failed', condition: 'UnhandledInvocationError', failure });
    expect(invocationFolder.accepts(first, retrying(1, { failure, at: 20, dueAt: 20 }))).toBe(false);
  });

  test.each([threw, unplaced])('makes the next attempt after $errorType due when the function asked for', ({ ...failure }) => {
    const asked = { ...failure, retryAfterInMs: 90_000 };
    expect(afterFailure(first, { failure: asked, at: 20 })).toMatchObject({ type: 'retrying', dueAt: 90_020, failure: asked });
  });

  test('returns only facts that the machine accepts', () => {
    const failures = fc.array(fc.constantFrom<Failure>(threw, unplaced, vanished), { maxLength: 24 });
    fc.assert(
      fc.property(failures, fc.integer({ min: 0, max: 3 }), (sequence, maxRetries) => {
        const facts: Fact[] = [queued()];
        let dueAt = 10;
        for (const failure of sequence) {
          const attempt = facts.filter(({ type }) => type === 'running').length + 1;
          facts.push(running(attempt, { at: dueAt, ...(attempt === 1 ? { terms: { ...terms, maxRetries } } : {}) }));
          const fact = afterFailure(folded(...facts), { failure, at: dueAt });
          facts.push(fact);
          if (fact.type === 'failed') break;
          ({ dueAt } = fact);
        }
        // Folding throws when the machine refuses any of them.
        folded(...facts);
      }),
      { numRuns: 200 },
    );
  });
});

describe('backoffDelay', () => {
  test('is equal on every version of Node, also where `**` rounds differently', () => {
    // Node 20 computes 500 * 2.9 ** 3 as 12194.499999999998, and Node 24 as 12194.5.
    expect(backoffDelay({ initialInMs: 500, factor: 2.9, maxInMs: 60_000, jitter: 0 }, 4, 'seed')).toBe(12_195);
  });

  const backoff: Backoff = { initialInMs: 100, factor: 3, maxInMs: 1_000, jitter: 0 };

  test('grows by the factor up to the maximum', () => {
    expect([1, 2, 3, 4, 5].map((retry) => backoffDelay(backoff, retry, 'seed'))).toEqual([100, 300, 900, 1_000, 1_000]);
  });

  test('reduces the delay by at most the jitter, and equally for equal seeds', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 1, noNaN: true }), (seed, retry, jitter) => {
        const full = backoffDelay(backoff, retry, seed);
        const delay = backoffDelay({ ...backoff, jitter }, retry, seed);
        expect(delay).toBeLessThanOrEqual(full);
        expect(delay).toBeGreaterThanOrEqual(Math.round(full * (1 - jitter)));
        expect(backoffDelay({ ...backoff, jitter }, retry, seed)).toBe(delay);
      }),
    );
  });

  test('differs between invocations that failed at the same time', () => {
    const delays = Array.from({ length: 200 }, (_, index) => backoffDelay({ ...backoff, jitter: 1 }, 4, `order-${index}#1`));
    expect(Math.min(...delays)).toBeLessThan(100);
    expect(Math.max(...delays)).toBeGreaterThan(900);
  });
});

describe('the age of an event', () => {
  test('counts from acceptance, and follows the terms once they are fixed', () => {
    expect(expiresAt(folded(queued({ at: 7 })), 1_000)).toBe(1_007);
    expect(expiresAt(folded(queued({ at: 7 }), running(1)), 1_000)).toBe(7 + terms.maxAgeInMs);
  });

  test('ends an invocation with EventAgeExceeded, as the attempt that ran last', () => {
    expect(expiredFact(folded(queued()), 61_000, 60_000)).toMatchObject({
      type: 'failed',
      condition: 'EventAgeExceeded',
      attempt: 0,
      at: 61_000,
    });
    const waiting = folded(queued(), running(1), retrying(1));
    expect(expiredFact(waiting, 61_000, 1)).toMatchObject({
      attempt: 1,
      failure: { message: 'no attempt could start within 60 s after the request was accepted; the last attempt failed: boom' },
    });
  });
});

describe('the end of an invocation', () => {
  test('carries FunctionGraph’s code where one exists', () => {
    const request = folded(queued());
    const codeOf = (condition: Parameters<typeof failedFact>[0]): number =>
      failedFact(condition, { invocation: request, at: 0, message: 'why' }).failure.code;
    expect(codeOf('PayloadTooLarge')).toBe(4_140);
    expect(codeOf('FunctionNotFound')).toBe(150_424);
    expect(codeOf('InvocationCanceled')).toBe(4_208);
    expect(codeOf('InvalidPayload')).toBe(161_900);
  });

  test('is one append with notified exactly when it has no destinations', () => {
    const all: DecideWhen = () => ({ holds: true });
    expect(outcomeFacts(succeeded(1), terms, all).map(({ type }) => type)).toEqual(['succeeded', 'notified']);
    expect(outcomeFacts(retrying(1), terms, all)).toEqual([retrying(1)]);
    const withDestination = { ...terms, onSuccess: [billing] };
    expect(outcomeFacts(succeeded(1), withDestination, all)).toEqual([succeeded(1, { destinations: [billing] })]);
    expect(outcomeFacts(failed(1), withDestination, all).map(({ type }) => type)).toEqual(['failed', 'notified']);
  });

  test('names the destinations whose condition does not hold, and is notified at once without others (WHEN1)', () => {
    const [small, large] = [
      { ...billing, when: 'small' },
      { ...alarm, when: 'large' },
    ];
    const decide: DecideWhen = (when) => (when === 'large' ? { holds: false, undecidable: 'it is dark' } : { holds: true });
    const both = { ...terms, onSuccess: [small, large] };
    const outcome = succeeded(1, { destinations: [small], notSent: [{ ...large, undecidable: 'it is dark' }] });
    expect(outcomeFacts(succeeded(1), both, decide)).toEqual([outcome]);
    const none = outcomeFacts(succeeded(1), both, () => ({ holds: false }));
    expect(none).toEqual([succeeded(1, { notSent: [small, large] }), { type: 'notified', invocation: ID, at: 30 }]);
    expect(fold(invocationFolder, [queued(), running(1), ...none]).value).toBe('notified');
  });
});
