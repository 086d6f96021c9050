import type { Fact, FactOf } from '#machines/facts.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { AskedAttempt } from '#src/core/ports/questions/execution-probe.ts';
import { FireTimes } from '#src/core/schedules/fire-times.ts';
import { type LastFire, streamOfFire } from '#src/core/schedules/progress.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { fireDue } from '#src/scheduler/fire/fire-due.ts';
import type { FirePorts } from '#src/scheduler/fire/fire-ports.ts';
import { readProgress } from '#src/scheduler/fire/schedule-progress.ts';
import { appendId } from '#test/support/log/opened-log.ts';
import { nightlySchedule } from '#test/support/nightly-schedule.ts';

export const START = Date.parse('2027-01-01T00:00:00Z');
export const MINUTE = 60_000;

type Announced = AskedAttempt & { worker: string };

/** A schedule on a log in memory, whose time moves from one check to the next. */
export function openSchedule(given: Partial<Schedule> = {}) {
  const schedule: Schedule = { ...nightlySchedule, createdAt: START, since: START, ...given };
  const clock = { current: START, now: () => clock.current, sleep: async () => {} };
  const log = createMemoryLog({ clock });
  const state = createMemoryKeyValue();
  const announced: Announced[] = [];
  const ports: FirePorts = {
    name: 'scheduler-1',
    log,
    state,
    clock,
    hints: log.hints,
    cancellations: { announce: (worker, canceled) => void announced.push({ worker, ...canceled }), subscribe: () => {} },
    findFunction: (name) => Promise.reject(new FunctionNotFoundError({ name })),
    appendId,
    logger: silentLogger,
  };
  const requests = () => log.entries.flatMap((entry) => (entry.kind === 'request' ? entry.message.requests.map(({ fact }) => fact) : []));
  const progress = () => readProgress(state, schedule);

  /** Checks the schedule as another scheduler does, which knows the stored progress alone. */
  async function check(changed: Partial<FirePorts> = {}, now: Partial<Schedule> = {}): Promise<number> {
    const present = { ...schedule, ...now };
    return await fireDue({ ports: { ...ports, ...changed }, schedule: present, times: new FireTimes(present), isPresent: () => true });
  }

  async function last(): Promise<LastFire> {
    const { last: found } = await progress();
    if (found === undefined) throw new Error('nothing fired yet');
    return found;
  }

  async function read(fire: LastFire): Promise<StreamState> {
    const stream = await loadStream(log, streamOfFire(fire), fire.sequence);
    if (stream === undefined) throw new Error('the log does not hold the request');
    return stream;
  }

  return {
    schedule,
    clock,
    log,
    state,
    announced,
    ports,
    requests,
    progress,
    check,
    last,
    /** The fire times of the requests in the log. */
    fired: () => requests().map(({ schedule: by }) => new Date(by?.at ?? 0).toISOString()),
    /** The failure of the invocation of a fire time; `undefined` while it has none. */
    async failureOf(fire: LastFire): Promise<FactOf<'failed'> | undefined> {
      const outcome = (await read(fire)).invocations.get(fire.id)?.context.outcome;
      return outcome?.type === 'failed' ? outcome : undefined;
    },
    async runUntil(end: number): Promise<void> {
      for (let nextAt = await check(); nextAt <= end; nextAt = await check()) clock.current = nextAt;
    },
    /** Appends facts to the stream of a fire time, as a worker does. */
    async work(fire: LastFire, facts: readonly Fact[]): Promise<void> {
      const writer = new StreamWriter({ log, state: await read(fire), by: 'w1', appendId, clock });
      const own = facts.map((fact) => ({ ...fact, invocation: fire.id, at: clock.current }));
      if ((await writer.propose(fire.id, own)) === undefined) throw new Error('the machine refused the facts');
    },
  };
}
