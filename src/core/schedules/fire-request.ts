import type { NewRequest, StreamName } from '#src/core/log/event-log.ts';
import { derivedId, idFromSequence, streamOf } from '#src/core/names/ids.ts';
import type { RequestId, StreamId } from '#src/core/names/names.ts';
import { splitName } from '#src/core/names/names.ts';
import type { Schedule } from './schedule.ts';

/** What a fire of a schedule requests. */
export type FireRequest = { name: StreamName; request: NewRequest & { id: RequestId } };

/**
 * The request of a fire time (CRON3). Its id derives from the schedule and the fire time, so all schedulers request one invocation.
 *
 * The id starts with the fire time (docs/performance.md H8).
 */
export function requestOfFire(schedule: Schedule, at: number): FireRequest {
  const { name, createdAt } = schedule;
  return requestOf(schedule, derivedId(`${idFromSequence(at, 0)}/schedule/${name}/${createdAt}/${at}`), { at });
}

/** The request of `schedule run`, which belongs to no fire time. `unique` is the id of a stream that was created for it. */
export function requestNow(schedule: Schedule, unique: StreamId): FireRequest {
  return requestOf(schedule, derivedId(`${unique}/schedule/${schedule.name}/run`), {});
}

function requestOf({ name, function: fn, event, qualifier }: Schedule, id: RequestId, fire: { at?: number }): FireRequest {
  const request: FireRequest['request'] = { id, payload: event, once: true, schedule: { name: splitName(name).bare, ...fire } };
  if (qualifier !== undefined) request.qualifier = qualifier;
  return { name: { function: fn, stream: streamOf(id) }, request };
}
