import { describe, expect, test } from 'vitest';
import { countsByVersion, judgeCanary, judgedInvocations, type VersionCounts } from '#src/analysis/canary/judge-canary.ts';
import { evidenceOf, evidenceWithin, trialsUntil } from '#src/analysis/canary/sequential-test.ts';

const alias = { name: 'prod', version: 'v1', weights: { v2: 50 } };
const counts = (version: string, failed: number, ended: number, retried = 0) => ({ version, accepted: ended, failed, retried, ended });

const LOOK_EVERY = 25;
const INVOCATIONS = 1_000;

type Planted = { weight: number; failsOfMain: number; failsOfCanary: number; canaries: number; retries?: boolean };

/** How many of the simulated canaries get each verdict by 1,000 invocations, with a look every 25. The first verdict counts. */
function simulate({ canaries, ...planted }: Planted): Record<'worse' | 'better' | 'undecided', number> {
  const found = { worse: 0, better: 0, undecided: 0 };
  const random = chanceFrom(20_261_130);
  for (let canary = 0; canary < canaries; canary++) found[firstVerdict(planted, random)]++;
  return found;
}

function firstVerdict({ weight, failsOfMain, failsOfCanary, retries = true }: Omit<Planted, 'canaries'>, random: () => number) {
  const main: VersionCounts = counts('v1', 0, 0);
  const other: VersionCounts = counts('v2', 0, 0);
  for (let invocation = 1; invocation <= INVOCATIONS; invocation++) {
    const isCanary = random() < weight / 100;
    const one = isCanary ? other : main;
    const fails = isCanary ? failsOfCanary : failsOfMain;
    one.accepted++;
    one.ended++;
    // An invocation fails after its retries, and as many succeed at a retry.
    const drawn = random();
    if (drawn < fails) one.failed++;
    if (retries && drawn < 2 * fails) one.retried++;
    if (invocation % LOOK_EVERY !== 0) continue;
    const [judged] = judgeCanary('orders', { ...alias, weights: { v2: weight } }, [main, other]);
    if (judged?.verdict !== 'undecided') return judged?.verdict ?? 'undecided';
  }
  return 'undecided';
}

/** Mulberry32: equal numbers at every run. */
function chanceFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('simulated canaries', () => {
  test.for([
    { rate: 0.1, weight: 50, canaries: 2_000 },
    { rate: 0.02, weight: 10, canaries: 500 },
  ])('of equal versions get a verdict in at most 5 % of $canaries ($rate fail, weight $weight)', ({ rate, weight, canaries }) => {
    const { undecided } = simulate({ weight, failsOfMain: rate, failsOfCanary: rate, canaries });
    expect(canaries - undecided).toBeLessThanOrEqual(0.05 * canaries);
  });

  test('with 20 % failures instead of 10 % are worse in 90 % by 1,000 invocations, without retries', () => {
    const { worse, better } = simulate({ weight: 50, failsOfMain: 0.1, failsOfCanary: 0.2, canaries: 500, retries: false });
    expect({ share: worse / 500, better }).toEqual({ share: expect.any(Number), better: 0 });
    expect(worse / 500).toBeGreaterThanOrEqual(0.9);
  });
});

describe('the evidence against equal versions', () => {
  test('begins at 1 and has a mean of 1 after a request that runs an equal version, whatever the outcome', () => {
    const none = { count: 0, of: 0 };
    const sum = ({ worse, better }: ReturnType<typeof evidenceOf>): number => worse + better;
    expect(sum(evidenceOf({ canary: none, main: none, share: 0.3 }))).toBeCloseTo(1, 12);
    for (const count of [0, 1]) {
      const one = { count, of: 1 };
      const ofCanary = sum(evidenceOf({ canary: one, main: none, share: 0.3 }));
      const ofMain = sum(evidenceOf({ canary: none, main: one, share: 0.3 }));
      expect(0.3 * ofCanary + 0.7 * ofMain).toBeCloseTo(1, 12);
    }
  });
});

describe('the evidence that a canary is not worse by a margin', () => {
  const none = { count: 0, of: 0 };
  /** The mean of the evidence after one request, by the rates of failures of both versions. */
  const meanOf = (evidence: ReturnType<typeof evidenceWithin>, share: number, [ofMain, ofCanary]: readonly [number, number]): number =>
    [0, 1].reduce((sum, count) => {
      const [byMain, byCanary] = count === 1 ? [ofMain, ofCanary] : [1 - ofMain, 1 - ofCanary];
      const one = { count, of: 1 };
      const canary = share * byCanary * evidence({ canary: one, main: none });
      return sum + canary + (1 - share) * byMain * evidence({ canary: none, main: one });
    }, 0);

  test.for([0.001, 0.01, 0.1])('has a mean of at most 1 for any rates that differ by the margin of %s or more', (margin) => {
    for (const share of [0.01, 0.1, 0.5, 0.9]) {
      const evidence = evidenceWithin(margin, share);
      expect(evidence({ canary: none, main: none })).toBeCloseTo(1, 12);
      for (const ofMain of [0, 0.002, 0.01, 0.05, 0.3, 0.8])
        for (const more of [0, 0.001, 0.05, 0.1])
          expect(meanOf(evidence, share, [ofMain, ofMain + margin + more])).toBeLessThanOrEqual(1 + 1e-9);
    }
  });

  test('grows for equal versions, and reaches 20 after the estimated number of further requests', () => {
    const observed = { canary: { count: 10, of: 1_000 }, main: { count: 90, of: 9_000 }, share: 0.1 };
    expect(meanOf(evidenceWithin(0.01, 0.1), 0.1, [0.01, 0.01])).toBeGreaterThan(1);
    const more = trialsUntil(20, 0.01, observed) ?? 0;
    const grown = (further: number) => ({
      canary: { count: 10 + further / 100, of: 1_000 + further },
      main: { count: 90 + (9 * further) / 100, of: 9_000 + 9 * further },
    });
    expect(evidenceWithin(0.01, 0.1)(grown(more))).toBeGreaterThanOrEqual(20);
    expect(evidenceWithin(0.01, 0.1)(grown(more - 1))).toBeLessThan(20);
  });
});

describe('an automatic canary', () => {
  const automatic = { ...alias, auto: { promoteAfter: 500 } };
  const endOf = (main: VersionCounts, canary: VersionCounts, judged: Parameters<typeof judgeCanary>[1] = automatic) =>
    judgeCanary('orders', judged, [main, canary])[0]?.automatic;

  test('is promoted once the test excludes for both measures that it is worse by the margin', () => {
    expect(endOf(counts('v1', 30, 3_000), counts('v2', 30, 3_000))).toMatchObject({
      kind: 'promoted',
      why: expect.stringMatching(
        /^v2 is not worse than v1 by 1 percentage point or more: 30 of 3000 \(1 %\) of v2 failed, .* needed a retry, .* \(p [<=] 0\.0\d+\)$/,
      ),
    });
    // As many failures, and as many retries on a higher level.
    expect(endOf(counts('v1', 30, 3_000, 900), counts('v2', 30, 3_000, 900))).toMatchObject({ kind: 'undecided' });
  });

  test('that is undecided after --promote-after stays, with the missing invocations and two commands', () => {
    expect(endOf(counts('v1', 6, 600), counts('v2', 6, 600))).toMatchObject({
      kind: 'undecided',
      more: expect.any(Number),
      commands: ['sequent fn alias promote orders prod', 'sequent fn alias rollback orders prod'],
    });
    expect(endOf(counts('v1', 4, 499), counts('v2', 4, 499))).toEqual({ kind: 'collecting' });
  });

  test('needs fewer invocations with a wider margin, and a person when the main version gets no requests', () => {
    const wide = { ...alias, auto: { promoteAfter: 500, margin: 3 } };
    expect(endOf(counts('v1', 6, 600), counts('v2', 6, 600), wide)).toMatchObject({ kind: 'promoted' });
    const alone = endOf(counts('v1', 0, 0), counts('v2', 6, 600), { ...automatic, weights: { v2: 100 } });
    expect(alone).toMatchObject({ kind: 'undecided', text: expect.stringContaining('v1 gets no requests to compare with') });
    expect(alone).not.toHaveProperty('more');
  });

  test('whose invocations hang is not promoted before they end', () => {
    const hanging = { ...counts('v2', 30, 3_000), open: 60 };
    expect(endOf(counts('v1', 30, 3_000), hanging)).toMatchObject({ kind: 'undecided' });
  });
});

describe('a canary', () => {
  test('that fails significantly more often is to be rolled back, and the test is named', () => {
    expect(judgeCanary('orders', alias, [counts('v1', 2, 100), counts('v2', 24, 100)])).toMatchObject([
      {
        verdict: 'worse',
        text: 'v2 is significantly worse than v1: 24 of 100 (24 %) of v2 failed, 2 of 100 (2 %) of v1 (mixture sequential probability ratio test, p < 0.001)',
        remedy: 'sequent fn alias rollback orders prod',
      },
    ]);
  });

  test('that fails significantly less often is to be promoted', () => {
    expect(judgeCanary('orders', alias, [counts('v1', 30, 100), counts('v2', 2, 100)])).toMatchObject([
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

  test('is undecided when it only ends later than the main version, or when that one gets no request', () => {
    const [slow] = judgeCanary('orders', alias, [counts('v1', 50, 500), counts('v2', 25, 250)]);
    expect(slow).toMatchObject({ verdict: 'undecided' });
    const [alone] = judgeCanary('orders', { ...alias, weights: { v2: 100 } }, [counts('v1', 0, 100), counts('v2', 90, 100)]);
    expect(alone).toMatchObject({ verdict: 'undecided', p: expect.closeTo(1, 9) });
  });

  test('has the share of the requests of its alias beside its weight', () => {
    const [found] = judgeCanary('orders', { ...alias, weights: { v2: 30 } }, [counts('v1', 0, 71), counts('v2', 0, 29)]);
    expect(found).toMatchObject({ weight: 30, share: 29 });
  });

  test('is judged by the invocations of its alias since the weights were set', () => {
    expect(judgedInvocations({ name: 'prod', weightedAt: 5 })).toEqual({ qualifier: '!prod', since: 5 });
  });

  test('is not judged by open and by cancelled invocations, nor by those that no version ran', () => {
    const row = { function: 'orders', from: null, durationInMs: null, queueInMs: null };
    const rows = [
      {
        ...row,
        ...{ version: 'v2', accepted: 10, retried: 4, retriedEnded: 1 },
        ...{ byState: { running: 2, notified: 8 }, byCondition: { InvocationCanceled: 3, SystemError: 1 } },
      },
      { ...row, version: null, accepted: 4, byState: { notified: 4 }, byCondition: { EventAgeExceeded: 4 } },
    ];
    expect(countsByVersion(rows)).toEqual([{ version: 'v2', accepted: 10, failed: 1, retried: 1, ended: 5, open: 2 }]);
  });
});
