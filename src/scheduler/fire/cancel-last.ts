import { isOutcome } from '#machines/facts.ts';
import { WrongStateError } from '#src/core/errors.ts';
import { splitName } from '#src/core/names/names.ts';
import type { Cancellations } from '#src/core/ports/questions/cancellations.ts';
import type { Fire } from '#src/core/schedules/fire-times.ts';
import { type LastFire, streamOfFire } from '#src/core/schedules/progress.ts';
import { cancelInvocation } from '#src/core/stream/cancel-invocation.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { FireOptions } from './fire-ports.ts';

/**
 * Cancels the invocation of the last fire time that fired, as `sequent cancel` does, and resolves to whether the log has its outcome (CRON7). An
 * outcome that came first stands.
 *
 * False for a member of a group: its event is in the attempt of another invocation, which belongs to no fire time of this schedule.
 */
export async function cancelLast({ ports, schedule }: FireOptions, { last, fire }: { last: LastFire; fire: Fire }): Promise<boolean> {
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
