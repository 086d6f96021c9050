import type { Fire, Missed } from '#src/core/schedules/fire-times.ts';
import { type LastFire, type Progress, streamOfFire } from '#src/core/schedules/progress.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { completeNamed, fireNewest, isAsRead, nameNewest } from './fire-newest.ts';
import type { FireOptions } from './fire-ports.ts';
import { requestFire } from './request-fire.ts';
import { changeProgress, readProgress } from './schedule-progress.ts';

/** How often a scheduler checks, for a fire time that waits, whether the invocation before it is over. */
const CHECK_AGAIN_AFTER_MS = 500;

/**
 * Fires what is due, and resolves to the time of the next check.
 *
 * The progress is stored after the log has accepted the request. A scheduler that dies in between leaves the fire time to the next one, which
 * requests the same invocation (CRON3, CRON4). With a policy that looks at the invocation before, the progress also names the fire time before
 * its request is sent (CRON6): another scheduler would otherwise skip or miss that fire time, and fire the next one beside its invocation.
 */
export async function fireDue(options: FireOptions): Promise<number> {
  const { ports, schedule, times } = options;
  let progress = await completeNamed(options, await readProgress(ports.state, schedule));
  const now = ports.clock.now();
  const { late, next, missed } = times.since(Math.max(schedule.since, progress.at), now);
  if (missed !== undefined) progress = await recordMissed(options, missed);
  const firstAhead = late.findIndex(({ dueAt }) => dueAt > now);
  const due = firstAhead < 0 ? late : late.slice(0, firstAhead);
  const fired = await (schedule.overlap === 'cancel' ? fireNewest : fireInTurn)(options, due, progress);
  if (fired === undefined) return now + CHECK_AGAIN_AFTER_MS;
  return (late[due.length] ?? next)?.dueAt ?? Number.POSITIVE_INFINITY;
}

/** Fires one due fire time after another. `undefined` when one waits for the invocation before it. */
async function fireInTurn(options: FireOptions, due: readonly Fire[], progress: Progress): Promise<Progress | undefined> {
  let present: Progress | undefined = progress;
  for (const fire of due) {
    if (present === undefined || !options.isPresent(present)) return present;
    present = await fireOne(options, fire, present);
  }
  return present;
}

/** The progress after a fire time; `undefined` when the fire time waits for the invocation before it. */
async function fireOne(options: FireOptions, fire: Fire, progress: Progress): Promise<Progress | undefined> {
  const { overlap } = options.schedule;
  let present = progress;
  // A change is refused when another scheduler changed the progress meanwhile. The fire time is then decided again.
  while (fire.at > present.at && options.isPresent(present)) {
    if (overlap === 'allow') return await request(options, fire);
    const read = present;
    const isFree = await isOver(options, read.last);
    if (!isFree && overlap === 'queue') return undefined;
    present = await completeNamed(options, await (isFree ? nameNewest(options, [fire], read) : skip(options, fire, read)));
    // The fire time became older than the longest catch-up window: the next check records it as missed.
    if (isAsRead(present, read)) return undefined;
  }
  return present;
}

async function request({ ports: { log, state }, schedule }: FireOptions, fire: Fire): Promise<Progress> {
  const last = await requestFire(log, schedule, fire.at);
  return await changeProgress(state, schedule, (present) => {
    // Another scheduler stored the same. One that skipped the fire time meanwhile did not know of this request.
    if ((present.last?.at ?? 0) >= fire.at) return undefined;
    return { ...present, at: Math.max(present.at, fire.at), last, fired: present.fired + 1 };
  });
}

async function skip({ ports: { state }, schedule }: FireOptions, fire: Fire, read: Progress): Promise<Progress> {
  return await changeProgress(state, schedule, (present) =>
    isAsRead(present, read) ? { ...present, at: fire.at, skipped: { count: (present.skipped?.count ?? 0) + 1, at: fire.at } } : undefined,
  );
}

async function recordMissed({ ports: { state, logger }, schedule, times: fireTimes }: FireOptions, missed: Missed): Promise<Progress> {
  return await changeProgress(state, schedule, (present) => {
    if (present.at >= missed.to) return undefined;
    const times = { from: new Date(missed.from).toISOString(), to: new Date(missed.to).toISOString() };
    logger.warn({ schedule: schedule.name, ...times }, 'fire times of a schedule were missed: they are older than its catch-up window');
    return { ...present, at: missed.to, missed: { ...missed, count: (present.missed?.count ?? 0) + fireTimes.countMissed(missed) } };
  });
}

/** Whether the log has an outcome of an invocation (CRON6). A request that the log no longer holds was settled before (J2), or is lost. */
async function isOver({ ports: { log } }: FireOptions, last: LastFire | undefined): Promise<boolean> {
  if (last === undefined) return true;
  const stream = await loadStream(log, streamOfFire(last), last.sequence);
  return stream === undefined || [...stream.invocations.values()].every(({ context }) => context.outcome !== null);
}
