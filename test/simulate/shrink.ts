import { faultKinds, type Plan } from './plan.ts';
import { runWorld, type WorldResult } from './world.ts';

type ShrinkOptions = { maxRuns: number; run?: (plan: Plan) => Promise<Pick<WorldResult, 'problems' | 'faults'>> };
type Shrunk = { plan: Plan; runs: number };

/**
 * Finds a smaller plan that breaks the same rule: fewer requests, fewer kinds of faults, fewer faults.
 *
 * Every candidate is run, so what remains is a plan that fails. At most `maxRuns` worlds are run.
 */
export async function shrink(failing: Plan, rule: string, { maxRuns, run = runWorld }: ShrinkOptions): Promise<Shrunk> {
  let plan = failing;
  let runs = 0;

  async function accepts(candidate: Plan): Promise<Pick<WorldResult, 'problems' | 'faults'> | undefined> {
    if (runs >= maxRuns) return undefined;
    runs++;
    const result = await run(candidate);
    if (ruleOf(result.problems) !== rule) return undefined;
    plan = candidate;
    return result;
  }

  async function shorten(): Promise<void> {
    for (let step = Math.ceil(plan.invocations / 2); step > 0; step = step === 1 ? 0 : Math.ceil(step / 2)) {
      while (plan.invocations > step && (await accepts({ ...plan, invocations: plan.invocations - step })) !== undefined);
    }
  }

  async function removeKinds(): Promise<void> {
    for (const kind of Object.keys(faultKinds)) {
      const rates = Object.fromEntries(Object.entries(plan.rates).filter(([name]) => name !== kind));
      if (kind in plan.rates) await accepts({ ...plan, rates });
    }
  }

  /** Leaves out the faults after the last one that is needed, then single ones. */
  async function removeFaults(): Promise<void> {
    let last = (await accepts(plan))?.faults.at(-1)?.number ?? 0;
    for (let step = Math.ceil(last / 2); step > 0; step = step === 1 ? 0 : Math.ceil(step / 2)) {
      while (last >= step && (await accepts({ ...plan, maxFaults: last - step })) !== undefined) last -= step;
    }
    for (let number = last; number > 0; number--) {
      if (!plan.withoutFaults.includes(number)) await accepts({ ...plan, withoutFaults: [...plan.withoutFaults, number] });
    }
  }

  async function removeRequests(): Promise<void> {
    for (let number = plan.invocations - 1; number >= 0; number--) {
      if (!plan.withoutRequests.includes(number)) await accepts({ ...plan, withoutRequests: [...plan.withoutRequests, number] });
    }
  }

  await shorten();
  await removeKinds();
  await removeFaults();
  await removeRequests();
  await removeFaults();
  return { plan, runs };
}

/** The rule that the first problem names; `undefined` without a problem. */
export function ruleOf([first]: readonly string[]): string | undefined {
  return first?.split(' ')[0];
}
