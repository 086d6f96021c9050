import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { EventLog } from '#src/core/log/event-log.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { LastFire } from '#src/core/schedules/progress.ts';
import type { Overlap } from '#src/core/schedules/schedule.ts';
import { failed } from '#test/support/log/facts.ts';
import { MINUTE, openSchedule, START } from '#test/support/scheduler/checked-schedule.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';

/*
 * Three schedulers check one schedule. Each call of a port waits until the test lets it go on, in an order of chance, so every interleaving of
 * their reads, requests and writes may happen. The clock moves, and invocations end, between any two of them.
 */

const SCHEDULERS = 3;
const SEEDS = 60;
const STEPS = 150;

/** Calls that wait for their turn. */
function createTurns() {
  const waiting: (() => void)[] = [];
  const turn = async (): Promise<void> => await new Promise((resolve) => waiting.push(resolve));
  return {
    waiting,
    /** The same function, whose calls wait before and after their effect. */
    slow:
      <Given extends unknown[], Answer>(call: (...given: Given) => Promise<Answer>) =>
      async (...given: Given): Promise<Answer> => {
        await turn();
        const answer = await call(...given);
        await turn();
        return answer;
      },
  };
}

/** Resolves to the first fire time that fired beside the invocation of an earlier one. */
async function findOverlap(overlap: Overlap, seed: number): Promise<string | undefined> {
  const random = createSeededRandom(seed);
  const opened = openSchedule({ cron: '* * * * *', timeZone: 'UTC', overlap, catchUpInMs: 3 * MINUTE });
  const { clock, log, state } = opened;
  const turns = createTurns();
  const over = new Set<string>();
  const fires = (): LastFire[] =>
    log.entries.flatMap((entry) =>
      entry.kind === 'request'
        ? entry.message.requests.map(({ fact }) => ({
            ...{ at: fact.schedule?.at ?? 0, id: fact.invocation, function: fact.function, sequence: entry.sequence },
          }))
        : [],
    );
  const slowState: KeyValue = { ...state, get: turns.slow(state.get), put: turns.slow(state.put) };
  const slowLog: EventLog = { ...log, accept: turns.slow(log.accept), read: turns.slow(log.read) };
  let checks = 0;
  const actions = [
    () => void turns.waiting.splice(Math.floor(random() * turns.waiting.length), 1)[0]?.(),
    () => {
      if (checks >= SCHEDULERS) return;
      checks++;
      void opened.check({ state: slowState, log: slowLog }).finally(() => checks--);
    },
    () => {
      clock.current += MINUTE;
    },
    async () => {
      const running = fires().find(({ id }) => !over.has(id));
      if (running === undefined) return;
      over.add(running.id);
      await opened.work(running, [failed(0, { condition: 'InvocationCanceled' })]);
    },
  ];
  clock.current = START + MINUTE;
  for (let step = 0; step < STEPS; step++) {
    // Most steps let a call go on.
    await actions[Math.max(0, Math.floor(random() * 20) - 16)]?.();
    await setImmediate();
    const ids = new Set(fires().map(({ id }) => id));
    if ([...ids].filter((id) => !over.has(id)).length > 1) return `seed ${seed}: ${opened.fired().at(-1)}`;
  }
  return undefined;
}

describe('three schedulers with slow stores (CRON6)', () => {
  test.for<Overlap>(['skip', 'queue'])(
    'fire no time of a schedule with "%s" while the invocation of an earlier one runs',
    async (overlap) => {
      const found: string[] = [];
      for (let seed = 1; seed <= SEEDS; seed++) {
        const one = await findOverlap(overlap, seed);
        if (one !== undefined) found.push(one);
      }
      expect(found).toEqual([]);
    },
  );
});
