import { type FaultKind, type Plan, planFor } from './plan.ts';
import { runWorld, type WorldResult } from './world.ts';

export type CampaignOptions = {
  seed: number;
  /** From the seed of one world to that of the next; 1 by default. The worlds with power cuts follow each other by 8. */
  step?: number | undefined;
  /** At least this many invocations are simulated, in all worlds together. */
  invocations: number;
  /** The requests of one world. */
  size: number;
  /** Worlds that are simulated before those of the seeds. */
  first?: readonly Plan[];
  kinds?: readonly FaultKind[] | undefined;
  isJudgedFromOutside?: boolean;
  onWorld?: (totals: Totals) => void;
};

type Totals = { worlds: number; invocations: number; faults: number; events: number; virtualMs: number };
export type Campaign = Totals & { hash: string; failure: { plan: Plan; result: WorldResult } | undefined };

/** Runs one world after another, until enough invocations were simulated or a world fails. */
export async function runCampaign({
  seed,
  step = 1,
  invocations,
  size,
  kinds,
  first = [],
  onWorld,
  ...options
}: CampaignOptions): Promise<Campaign> {
  const totals: Totals = { worlds: 0, invocations: 0, faults: 0, events: 0, virtualMs: 0 };
  let hash = '';
  const plans = [...first];
  for (let next = seed; totals.invocations < invocations; ) {
    const given = plans.shift();
    const plan = given ?? planFor(next, size, kinds);
    if (given === undefined) next += step;
    const result = await runWorld(plan, options);
    totals.worlds++;
    totals.invocations += result.invocations;
    totals.faults += result.faults.length;
    totals.events += result.events;
    totals.virtualMs += result.tookInMs;
    hash = mix(hash, result.hash);
    if (result.problems.length > 0) return { ...totals, hash, failure: { plan, result } };
    onWorld?.(totals);
  }
  return { ...totals, hash, failure: undefined };
}

function mix(one: string, other: string): string {
  let mixed = 0;
  for (const character of one + other) mixed = (Math.imul(mixed, 31) + character.charCodeAt(0)) >>> 0;
  return mixed.toString(16).padStart(8, '0');
}
