import { describe, expect, test } from 'vitest';
import { compareProportions } from '#src/analysis/compare-proportions.ts';
import { countsByVersion, judgeCanary } from '#src/analysis/judge-canary.ts';

const alias = { name: 'prod', version: 'v1', weights: { v2: 50 } };
const counts = (version: string, failed: number, ended: number, retried = 0) => ({ version, accepted: ended, failed, retried, ended });

describe('two proportions', () => {
  test.for([
    [{ count: 3, of: 4 }, { count: 1, of: 4 }, 0.4857],
    [{ count: 1, of: 10 }, { count: 11, of: 14 }, 0.00276],
    [{ count: 0, of: 5 }, { count: 5, of: 5 }, 0.00794],
    [{ count: 0, of: 5 }, { count: 0, of: 5 }, 1],
    [{ count: 0, of: 0 }, { count: 3, of: 5 }, 1],
  ] as const)("are compared by Fisher's exact test: %o and %o", ([one, other, p]) => {
    const found = compareProportions(one, other);
    expect(found.test).toBe("Fisher's exact test");
    expect(found.p).toBeCloseTo(p, 4);
    expect(compareProportions(other, one).p).toBeCloseTo(p, 4);
  });

  test('of many trials are compared by the z-test', () => {
    const found = compareProportions({ count: 60, of: 6_000 }, { count: 100, of: 6_000 });
    expect(found.test).toBe('two-proportion z-test');
    expect(found.p).toBeCloseTo(0.00145, 4);
    expect(compareProportions({ count: 0, of: 9_000 }, { count: 0, of: 9_000 }).p).toBe(1);
  });
});

describe('a canary', () => {
  test('that fails significantly more often is to be rolled back, and the test is named', () => {
    expect(judgeCanary('orders', alias, [counts('v1', 1, 100), counts('v2', 12, 100)])).toMatchObject([
      {
        verdict: 'worse',
        text: "v2 is significantly worse than v1: 12 of 100 (12 %) of v2 failed, 1 of 100 (1 %) of v1 (Fisher's exact test, p = 0.003)",
        remedy: 'sequent fn alias rollback orders prod',
      },
    ]);
  });

  test('that fails significantly less often is to be promoted', () => {
    expect(judgeCanary('orders', alias, [counts('v1', 12, 100), counts('v2', 1, 100)])).toMatchObject([
      { verdict: 'better', remedy: 'sequent fn alias promote orders prod' },
    ]);
  });

  test('whose retries hide failures is significantly worse', () => {
    const [found] = judgeCanary('orders', alias, [counts('v1', 0, 100, 2), counts('v2', 0, 100, 40)]);
    expect(found).toMatchObject({ verdict: 'worse', text: expect.stringContaining('40 of 100 (40 %) of v2 needed a retry') });
  });

  test('with few or no invocations is undecided, without advice', () => {
    for (const few of [[counts('v1', 0, 3), counts('v2', 2, 3)], []]) {
      const [found] = judgeCanary('orders', alias, few);
      expect(found).toMatchObject({ verdict: 'undecided' });
      expect(found).not.toHaveProperty('remedy');
    }
  });

  test('is not judged by open and by cancelled invocations, nor by those that no version ran', () => {
    const row = { function: 'orders', from: null, durationInMs: null, queueInMs: null };
    const rows = [
      { ...row, version: 'v2', accepted: 10, byState: { running: 2, notified: 8 }, byCondition: { InvocationCanceled: 3, SystemError: 1 } },
      { ...row, version: null, accepted: 4, byState: { notified: 4 }, byCondition: { EventAgeExceeded: 4 } },
    ];
    expect(countsByVersion(rows)).toEqual([{ version: 'v2', accepted: 10, failed: 1, retried: 0, ended: 5 }]);
  });
});
