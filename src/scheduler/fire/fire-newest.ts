import { isOutcome } from '#machines/facts.ts';
import { WrongStateError } from '#src/core/errors.ts';
import { parseFunctionName, splitName } from '#src/core/names/names.ts';
import type { Cancellations } from '#src/core/ports/questions/cancellations.ts';
import type { Fire } from '#src/core/schedules/fire-times.ts';
import { type LastFire, type Progress, streamOfFire } from '#src/core/schedules/progress.ts';
import { MAX_CATCH_UP_IN_MS } from '#src/core/schedules/schedule.ts';
import { cancelInvocation } from '#src/core/stream/cancel-invocation.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { FireOptions } from './fire-ports.ts';
import { requestFire } from './request-fire.ts';
import { changeProgress } from './schedule-progress.ts';

/*
 * The overlap policy `cancel` (CRON7): of the fire times that are due, the newest one fires, because each other one would be cancelled at once.
 *
 * 1. The invocation of the last fire time that fired is cancelled, unless the log has its outcome. Step 2 waits for that outcome.
 * 2. The progress names the newest due fire time, and counts the older ones as skipped. This change succeeds only while the progress is the one
 *    that step 1 read.
 * 3. The request of the named fire time is sent, and then the progress says that it fired.
 *
 * Every scheduler completes the step 3 that another one began before it acts itself. Without the name in the progress, a scheduler could skip a
 * fire time whose request another one had sent before it died, and nothing would ever cancel that invocation.
 */

/** Fires the newest of the due fire times. `undefined`: it waits for the invocation before it, which cannot be cancelled. */
export async function fireNewest(options: FireOptions, due: readonly Fire[], progress: Progress): Promise<Progress | undefined> {
  const fire = due.at(-1);
  let present = await completeNamed(options, progress);
  while (fire !== undefined && present.at < fire.at && options.isPresent(present)) {
    const { last } = present;
    // The fire time of `last` is before this one: it is at most `present.at`. So a scheduler with an old progress cancels an old invocation.
    // From here on the fire time fires, also when the schedule is paused meanwhile: the invocation before is cancelled for it.
    if (last !== undefined && !(await cancelLast(options, { last, fire }))) return undefined;
    present = await completeNamed(options, await nameNewest(options, due, present));
  }
  return present;
}

/** Names the newest due fire time in the progress, unless another scheduler has changed the progress since it was read. */
export async function nameNewest({ ports, schedule }: FireOptions, due: readonly Fire[], read: Progress): Promise<Progress> {
  const open = due.filter(({ at }) => at > read.at);
  const [newest, newestSkipped] = [open.at(-1), open.at(-2)];
  return await changeProgress(ports.state, schedule, (present) => {
    if (!isAsRead(present, read) || newest === undefined) return undefined;
    const named = { ...present, firing: { at: newest.at, function: schedule.function } };
    if (newestSkipped === undefined) return named;
    const count = (present.skipped?.count ?? 0) + open.length - 1;
    return { ...named, at: newestSkipped.at, skipped: { count, at: newestSkipped.at } };
  });
}

/** Whether no scheduler fired, skipped or named a fire time since a progress was read. */
export function isAsRead(present: Progress, read: Progress): boolean {
  return present.at === read.at && present.last?.at === read.last?.at && present.firing === undefined;
}

/**
 * Requests the fire time that the progress names, whatever the owner changed meanwhile: its request may have been sent, and must then count as
 * the last one. Sending the request twice starts one invocation (CRON3).
 *
 * A fire time beyond the longest catch-up window is not requested, because the log may no longer know its id. It counts as missed.
 */
export async function completeNamed({ ports, schedule }: FireOptions, progress: Progress): Promise<Progress> {
  const { firing } = progress;
  if (firing === undefined) return progress;
  const isKnown = firing.at >= ports.clock.now() - MAX_CATCH_UP_IN_MS;
  const named = { ...schedule, function: parseFunctionName(firing.function) };
  const last = isKnown ? await requestFire(ports.log, named, firing.at) : undefined;
  return await changeProgress(ports.state, schedule, ({ firing: still, ...present }) => {
    // Another scheduler completed it.
    if (still?.at !== firing.at) return undefined;
    if (last === undefined || (present.last?.at ?? 0) >= last.at) return present;
    return { ...present, at: Math.max(present.at, last.at), last, fired: present.fired + 1 };
  });
}

/**
 * Cancels the invocation of the last fire time that fired, as `sequent cancel` does, and resolves to whether the log has its outcome (CRON7). An
 * outcome that came first stands.
 *
 * False for a member of a group: its event is in the attempt of another invocation, which belongs to no fire time of this schedule.
 */
async function cancelLast({ ports, schedule }: FireOptions, { last, fire }: { last: LastFire; fire: Fire }): Promise<boolean> {
  const { log, name: by, appendId, clock, cancellations } = ports;
  // A request that the log no longer holds was settled before (J2), or is lost.
  const state = await loadStream(log, streamOfFire(last), last.sequence);
  if (state === undefined) return true;
  const writer = new StreamWriter({ log, state, by, appendId, clock });
  const at = new Date(fire.at).toISOString();
  const reason = `the schedule ${splitName(schedule.name).bare} cancelled it at its fire time ${at} (overlap policy cancel)`;
  try {
    const ended = await cancelInvocation(writer, { id: last.id, reason }, ports);
    if (ended?.isCanceled === false) announceAgain(writer.state, last.id, cancellations);
    return true;
  } catch (error) {
    if (error instanceof WrongStateError) return false;
    throw error;
  }
}

/** The scheduler that cancelled a running attempt may have died before its worker knew. The worker ignores what it knows. */
function announceAgain({ name, facts }: StreamState, invocation: string, cancellations: Cancellations): void {
  const own = facts.filter((fact) => fact.invocation === invocation);
  const end = own.findIndex(isOutcome);
  const [outcome, before] = [own[end], own[end - 1]];
  if (outcome?.type !== 'failed' || outcome.condition !== 'InvocationCanceled' || before?.type !== 'running') return;
  cancellations.announce(before.worker, { function: name.function, invocation, attempt: before.attempt });
}
