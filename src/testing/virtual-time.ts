import { setImmediate as nextTurn, setTimeout as realDelay } from 'node:timers/promises';
import type { Clock } from '#src/core/ports/clock.ts';
import type { TestSystem } from './test-system.ts';
import type { VirtualClock } from './virtual-clock.ts';

/**
 * Moves the virtual time of a test system.
 *
 * 1. Time moves from one due moment to the next.
 * 2. Before each move, everything that is possible without a move has happened.
 */
export interface VirtualTime {
  /** The clock of user code. A handler that sleeps by this clock does not delay {@link VirtualTime.settle}. */
  readonly clock: Clock;
  /** Resolves when nothing more can happen at the present moment. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
  /** Moves the time until `find` returns a value. Throws after `maxMs` (30 days). */
  until<Found>(find: () => Promise<Found | undefined>, maxMs?: number): Promise<Found>;
  isIdle(): boolean;
}

/** The system is quiet after this number of turns without activity: an effect follows its cause by at most three turns. */
const QUIET_TURNS = 5;
const THIRTY_DAYS = 30 * 86_400_000;

export type VirtualTimeOptions = {
  system: TestSystem;
  clock: VirtualClock;
  /** How long, in real milliseconds, a handler may wait for something real before time moves without it. */
  graceInMs: number;
};

export function createVirtualTime({ system, clock, graceInMs }: VirtualTimeOptions): VirtualTime {
  let asleep = 0;
  let wokenUp = 0;

  async function settle(): Promise<void> {
    let activeAt = performance.now();
    let seen = -1;
    for (let quietTurns = 0; quietTurns < QUIET_TURNS; quietTurns++) {
      await nextTurn();
      const activity = system.activity + wokenUp;
      if (activity !== seen) {
        seen = activity;
        quietTurns = -1;
        activeAt = performance.now();
      } else if (system.running > asleep && performance.now() - activeAt < graceInMs) {
        // User code waits for something real.
        await realDelay(1);
        quietTurns = -1;
      }
    }
  }

  /** The next moment at which something is due, not before now. */
  function nextAt(): number {
    return Math.max(clock.now(), Math.min(clock.nextAt, system.nextInspectionAt));
  }

  async function advance(ms: number): Promise<void> {
    const target = clock.now() + ms;
    await settle();
    for (let next = nextAt(); next <= target; next = nextAt()) {
      clock.moveTo(next);
      await settle();
    }
    clock.moveTo(target);
    await settle();
  }

  return {
    settle,
    advance,
    isIdle: () => system.open === 0 && system.work.inFlight === 0 && system.running === 0,
    async until(find, maxMs = THIRTY_DAYS) {
      const startedAt = clock.now();
      await settle();
      for (let found = await find(); ; found = await find()) {
        if (found !== undefined) return found;
        const next = nextAt();
        if (next - startedAt > maxMs) throw new Error(`the invocations are not over after ${clock.now() - startedAt} ms of virtual time`);
        clock.moveTo(next);
        await settle();
      }
    },
    clock: {
      now: clock.now,
      async sleep(ms, signal) {
        asleep++;
        await clock.sleep(ms, signal);
        asleep--;
        wokenUp++;
      },
    },
  };
}
