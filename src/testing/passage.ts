import { setImmediate as nextTurn, setTimeout as realDelay } from 'node:timers/promises';
import type { Clock } from '#src/core/ports/clock.ts';
import type { TestSystem } from './test-system.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** How time passes in a test: from one thing that is due to the next, and not before all that is possible has happened. */
export interface Passage {
  /** The time of user code: who sleeps by it is known to wait for time. */
  readonly clock: Clock;
  /** Resolves when nothing more happens unless time passes. */
  settle(): Promise<void>;
  advance(ms: number): Promise<void>;
  /** Lets time pass until there is what is looked for. */
  until<Found>(look: () => Promise<Found | undefined>, atMostMs?: number): Promise<Found>;
  isIdle(): boolean;
}

/** So many turns of the event loop without anything happening: the longest way from a cause to its effect takes three. */
const QUIET_TURNS = 5;
const THIRTY_DAYS = 30 * 86_400_000;

export function createPassage({ system, clock, graceInMs }: { system: TestSystem; clock: VirtualClock; graceInMs: number }): Passage {
  let asleep = 0;
  let awakened = 0;

  async function settle(): Promise<void> {
    let stirredAt = performance.now();
    let seen = -1;
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await nextTurn();
      const stirs = system.stirs + awakened;
      if (stirs !== seen) {
        seen = stirs;
        quiet = -1;
        stirredAt = performance.now();
      } else if (system.running > asleep && performance.now() - stirredAt < graceInMs) {
        // User code waits for something real.
        await realDelay(1);
        quiet = -1;
      }
    }
  }

  /** The next moment at which something is due, not before now. */
  function nextAt(): number {
    return Math.max(clock.now(), Math.min(clock.nextAt, system.nextLookAt));
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
    async until(look, atMostMs = THIRTY_DAYS) {
      const startedAt = clock.now();
      await settle();
      for (let found = await look(); ; found = await look()) {
        if (found !== undefined) return found;
        const next = nextAt();
        if (next - startedAt > atMostMs) throw new Error(`after ${clock.now() - startedAt} ms it has not come to its end`);
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
        awakened++;
      },
    },
  };
}
