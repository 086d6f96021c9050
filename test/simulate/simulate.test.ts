import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { runCampaign } from './campaign.ts';
import { largePlansFor, type Plan, planFor } from './plan.ts';
import { shrink } from './shrink.ts';
import { runWorld } from './world.ts';

/** The first worlds of `npm run simulate`, two of them with power cuts: `.ci/run` simulates 80,000 invocations beside the tests. */
const INVOCATIONS = 1_600;
/** Worlds with flows, an order, batches, schedules, power cuts, and a crowd. */
const SEEN = 1_000;
const WITHIN_MS = 600_000;

describe('a simulated Sequent', () => {
  test('does the same again from the same seed, event by event', async () => {
    const run = (): ReturnType<typeof runWorld> => runWorld(planFor(3, 40), { keepsLines: true });
    const [one, other] = [await run(), await run()];
    expect(one.faults.length).toBeGreaterThan(10);
    expect(other).toEqual(one);
  }, 60_000);

  test('does exactly the same with clocks that are up to an hour wrong, when the time is measured exactly', async () => {
    const right = { ...planFor(3, 40), clockOffsetInMs: 0, isTimeExact: true };
    const wrong = { ...right, clockOffsetInMs: 3_600_000 };
    expect(await runWorld(wrong, { keepsLines: true })).toEqual(await runWorld(right, { keepsLines: true }));
  }, 60_000);

  test('keeps nothing of a world that ended', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heapAfter = async (worlds: number): Promise<number> => {
      for (let seed = 1; seed <= worlds; seed++) await runWorld(planFor(seed, 30));
      collect();
      return process.memoryUsage().heapUsed;
    };
    const first = await heapAfter(3);
    expect((await heapAfter(8)) - first).toBeLessThan(4_000_000);
  }, 60_000);

  test(
    'breaks no rule in worlds with faults of every kind',
    async () => {
      const { failure } = await runCampaign({ seed: 1, invocations: INVOCATIONS, size: 100 });
      expect(failure?.result.problems ?? []).toEqual([]);
    },
    WITHIN_MS,
  );

  test(
    'breaks no rule for the judge that reads the raw messages, results and executions alone',
    async () => {
      const { failure } = await runCampaign({ seed: 1, invocations: SEEN, size: 100, isJudgedFromOutside: true });
      expect(failure?.result.problems ?? []).toEqual([]);
    },
    WITHIN_MS,
  );

  // `test/matrix/turns.test.ts` has the other kinds of these worlds.
  test(
    'loses nothing in an hour of 1,000 functions that become idle and busy under crashes (CONS1 to CONS5)',
    async () => {
      const { problems, tookInMs } = await runWorld(largePlansFor(1).get('turns-crashing') as Plan);
      expect(problems).toEqual([]);
      expect(tookInMs).toBeGreaterThan(3_500_000);
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
