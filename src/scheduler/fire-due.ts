import type { EventLog } from '#src/core/log/event-log.ts';
import type { StreamId } from '#src/core/names/names.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { requestOfFire } from '#src/core/schedules/fire-request.ts';
import type { Fire, FireTimes, Missed } from '#src/core/schedules/fire-times.ts';
import type { Progress } from '#src/core/schedules/progress.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { changeProgress, readProgress } from './schedule-progress.ts';

/** How often a scheduler checks, for a queued fire time, whether the invocation before it is over. */
const CHECK_AGAIN_AFTER_MS = 500;

/** What schedulers share. */
export type FirePorts = {
  log: EventLog;
  /** The store of the progress. */
  state: KeyValue;
  clock: Clock;
  logger: Logger;
};

type Options = FirePorts & {
  schedule: Schedule;
  times: FireTimes;
  /** Whether the schedule is still as it is given here, and this scheduler runs. */
  isPresent: () => boolean;
};

/**
 * Fires what is due, and resolves to the time of the next check.
 *
 * The progress is stored after the log has accepted the request. A scheduler that dies in between leaves the fire time to the next one, which
 * requests the same invocation (CRON3, CRON4).
 */
export async function fireDue(options: Options): Promise<number> {
  const { state, schedule, times, clock, isPresent } = options;
  const now = clock.now();
  let progress = await readProgress(state, schedule);
  const { late, next, missed } = times.since(Math.max(schedule.since, progress.at), now);
  if (missed !== undefined) progress = await noteMissed(options, missed);
  for (const fire of late) {
    if (fire.dueAt > now || !isPresent()) return fire.dueAt;
    const fired = await fireOne(options, fire, progress);
    if (fired === undefined) return now + CHECK_AGAIN_AFTER_MS;
    progress = fired;
  }
  return next?.dueAt ?? Number.POSITIVE_INFINITY;
}

/** The progress after a fire time; `undefined` when the fire time waits for the invocation before it. */
async function fireOne(options: Options, fire: Fire, progress: Progress): Promise<Progress | undefined> {
  const { overlap } = options.schedule;
  // Another scheduler fired it meanwhile.
  if (fire.at <= progress.at) return progress;
  if (overlap === 'allow' || (await isOver(options, progress.last))) return await request(options, fire);
  return overlap === 'queue' ? undefined : await skip(options, fire);
}

async function request({ log, state, schedule }: Options, fire: Fire): Promise<Progress> {
  const { name, request } = requestOfFire(schedule, fire.at);
  const { sequence } = await log.accept(name, [request]);
  const last = { at: fire.at, id: request.id, function: name.function, sequence };
  return await changeProgress(state, schedule, (present) => {
    // Another scheduler stored the same. One that skipped the fire time meanwhile did not know of this request.
    if ((present.last?.at ?? 0) >= fire.at) return undefined;
    return { ...present, at: Math.max(present.at, fire.at), last, fired: present.fired + 1 };
  });
}

async function skip({ state, schedule }: Options, fire: Fire): Promise<Progress> {
  return await changeProgress(state, schedule, (present) =>
    present.at >= fire.at ? undefined : { ...present, at: fire.at, skipped: { count: (present.skipped?.count ?? 0) + 1, at: fire.at } },
  );
}

async function noteMissed({ state, schedule, times: fireTimes, logger }: Options, missed: Missed): Promise<Progress> {
  return await changeProgress(state, schedule, (present) => {
    if (present.at >= missed.to) return undefined;
    const times = { from: new Date(missed.from).toISOString(), to: new Date(missed.to).toISOString() };
    logger.warn({ schedule: schedule.name, ...times }, 'fire times of a schedule were missed: they are older than its catch-up window');
    return { ...present, at: missed.to, missed: { ...missed, count: (present.missed?.count ?? 0) + fireTimes.countMissed(missed) } };
  });
}

/** Whether the log has an outcome of an invocation (CRON6). A request that the log no longer holds was settled before (J2), or is lost. */
async function isOver({ log }: Options, last: Progress['last']): Promise<boolean> {
  if (last === undefined) return true;
  const name = { function: parseFunctionName(last.function), stream: last.id as StreamId };
  const stream = await loadStream(log, name, last.sequence);
  return stream === undefined || [...stream.invocations.values()].every(({ context }) => context.outcome !== null);
}
