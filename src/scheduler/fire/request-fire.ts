import type { EventLog } from '#src/core/log/event-log.ts';
import { requestOfFire } from '#src/core/schedules/fire-request.ts';
import type { LastFire } from '#src/core/schedules/progress.ts';
import type { Schedule } from '#src/core/schedules/schedule.ts';

/** Sends the request of a fire time, and resolves when the log has accepted it. A repetition starts no second invocation (CRON3). */
export async function requestFire(log: Pick<EventLog, 'accept'>, schedule: Schedule, at: number): Promise<LastFire> {
  const { name, request } = requestOfFire(schedule, at);
  const { sequence } = await log.accept(name, [request]);
  return { at, id: request.id, function: name.function, sequence };
}
