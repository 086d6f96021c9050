import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { parseFunctionName, type RequestId } from '#src/core/names/names.ts';
import type { Schedule, ScheduleName } from './schedule.ts';

/** How far a schedule has fired: one entry of the state bucket, which only schedulers write (CRON4). */

const lastFireSchema = z.object({ at: z.number(), id: z.string(), function: z.string(), sequence: z.number() });

const progressSchema = z.object({
  /** The creation of the schedule, because a schedule that was put again after its removal is another one. */
  createdAt: z.number(),
  /** The latest fire time that fired or was skipped. Everything up to it is done. */
  at: z.number(),
  /** The latest fire time that fired, and its request. */
  last: lastFireSchema.optional(),
  /** With every policy but `allow`: the fire time that fires now, and its function, stored before its request is sent (CRON6, CRON7). */
  firing: z.object({ at: z.number(), function: z.string() }).optional(),
  fired: z.number().default(0),
  /** The fire times that the overlap policy skipped. */
  skipped: z.object({ count: z.number(), at: z.number() }).optional(),
  /** The latest fire times that an outage longer than the catch-up window missed, and the number of all missed ones. */
  missed: z.object({ from: z.number(), to: z.number(), count: z.number().default(0) }).optional(),
});
export type Progress = z.infer<typeof progressSchema>;
export type LastFire = z.infer<typeof lastFireSchema>;

/** The stream of the invocation of a fire time. */
export const streamOfFire = ({ id, function: fn }: LastFire): StreamName => ({
  function: parseFunctionName(fn),
  stream: streamOf(id as RequestId),
});

export const progressKeyOf = (name: ScheduleName): string => `scheduler.schedule.${name}`;

/** The progress of a schedule; that of a new one when nothing usable is stored. */
export function decodeProgress(value: string | undefined, { createdAt }: Pick<Schedule, 'createdAt'>): Progress {
  const stored = value === undefined ? undefined : progressSchema.safeParse(parseJson(value)).data;
  return stored?.createdAt === createdAt ? stored : { createdAt, at: 0, fired: 0 };
}
