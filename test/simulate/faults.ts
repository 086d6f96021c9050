import type { FaultKind, Plan } from './plan.ts';
import { createChance, type Engine } from './world/engine.ts';

/** Decides which faults happen in a world. Faults are numbered in the order in which they happen, so that a plan can leave one out. */
export interface Faults {
  /** Whether a fault of this kind happens now. `where` stands in the trace. */
  strike(kind: FaultKind, where: string): boolean;
  /** No fault happens from now on. */
  end(): void;
  /** The writes that a process was told of, in their order, when the plan has a crash point. */
  readonly writes: readonly string[];
  /** The faults that happened. */
  readonly happened: readonly { number: number; kind: FaultKind; at: number; where: string }[];
}

/** Calls that change what other processes read. */
const WRITE = /^\S+ (?:append|accept|put|publish) /;

export function createFaults(plan: Plan, engine: Engine): Faults {
  // A stream of chance of its own, so that a fault that is left out moves no latency.
  const chance = createChance(plan.seed ^ 0x5eed);
  const without = new Set(plan.withoutFaults);
  const happened: Faults['happened'][number][] = [];
  const writes: string[] = [];
  let number = 0;
  let hasEnded = false;

  /** Whether this is the write whose answer its process does not live to see. */
  function isCrashPoint(kind: FaultKind, where: string): boolean {
    if (plan.crashPoint === undefined || kind !== 'crash-after' || !WRITE.test(where)) return false;
    return writes.push(where) === plan.crashPoint;
  }

  return {
    happened,
    writes,
    end() {
      hasEnded = true;
    },
    strike(kind, where) {
      if (hasEnded || !(isCrashPoint(kind, where) || chance.happens(plan.rates[kind] ?? 0))) return false;
      number++;
      if (number > (plan.maxFaults ?? number) || without.has(number)) return false;
      happened.push({ number, kind, at: engine.now, where });
      engine.note(`fault ${number}: ${kind} at ${where}`);
      return true;
    },
  };
}
