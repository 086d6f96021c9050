import { describe, expect, test } from 'vitest';
import { runCampaign } from './campaign.ts';
import { planFor } from './plan.ts';
import { shrink } from './shrink.ts';
import { runWorld } from './world.ts';

const INVOCATIONS = 12_000;
/** Some fifteen seconds on an idle core. */
const WITHIN_MS = 600_000;

describe('a simulated Sequent', () => {
  test('does the same again from the same seed, event by event', async () => {
    const [one, other] = [await runWorld(planFor(3, 40)), await runWorld(planFor(3, 40))];
    expect(one.faults.length).toBeGreaterThan(10);
    expect(other).toEqual(one);
  }, 60_000);

  test(
    'breaks no rule in worlds with faults of every kind',
    async () => {
      const { failure } = await runCampaign({ seed: 1, invocations: INVOCATIONS, size: 100 });
      expect(failure?.result.problems ?? []).toEqual([]);
    },
    WITHIN_MS,
  );
});

describe('a plan that fails', () => {
  test('is shrunk to the requests and the faults that it needs', async () => {
    const fault = (number: number) => ({ number, kind: 'crash-after' as const, at: 0, where: '' });
    const run = async ({ invocations, withoutRequests, withoutFaults, maxFaults, rates }: ReturnType<typeof planFor>) => {
      const happened = [1, 2, 3, 4, 5].filter((number) => number <= (maxFaults ?? number) && !withoutFaults.includes(number));
      const fails = invocations > 7 && !withoutRequests.includes(7) && happened.includes(3) && 'crash-after' in rates;
      return { problems: fails ? ['E4: it fails'] : [], faults: happened.map(fault) };
    };
    const { plan } = await shrink(planFor(1, 100), 'E4:', { maxRuns: 400, run });
    expect(plan.invocations).toBe(8);
    expect(plan.withoutRequests).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect([Object.keys(plan.rates), plan.maxFaults, plan.withoutFaults]).toEqual([['crash-after'], 3, [2, 1]]);
  });
});
