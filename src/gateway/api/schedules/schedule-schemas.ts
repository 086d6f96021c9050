import { z } from 'zod';
import { overlaps } from '#src/core/schedules/schedule.ts';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { moment } from '../common-schemas.ts';

export const scheduleBodySchema = z.strictObject({
  cron: z.string().max(200).describe('minute, hour, day of the month, month, day of the week; or six fields with seconds before them'),
  time_zone: z.string().max(64).optional().describe('a name of the IANA database; UTC by default'),
  function: z.string().max(128),
  qualifier: z.string().max(64).optional().describe('a version or an !alias'),
  event: z.unknown().optional().describe('the event, as JSON; {} by default'),
  overlap: z.enum(overlaps).optional().describe('what happens at a fire time while the invocation before is not over; skip by default'),
  catch_up_ms: z.number().optional().describe('how late a missed fire time is made up after an outage; 24 hours by default'),
  jitter_ms: z.number().optional().describe('each fire time is delayed by a part of this time'),
  description: z.string().max(512).optional(),
});

/** A project has 400 schedules. A hundred times of each took the thread that all projects share for up to 17 s. */
const MAX_NEXT_OF_EACH = 10;

export const schedulesQuerySchema = z.strictObject({
  next: wholeNumber(0, MAX_NEXT_OF_EACH).default(1).describe('the number of next fire times of each schedule'),
});
export const scheduleQuerySchema = z.strictObject({
  next: wholeNumber(0, 100).default(5).describe('the number of next fire times'),
});

export const scheduleSchema = z.object({
  name: z.string(),
  cron: z.string(),
  time_zone: z.string(),
  function: z.string(),
  qualifier: z.string().optional(),
  event: z.unknown().optional().describe('absent when the gateway has no key of the project'),
  event_text: z.string().optional().describe('the event as it was written, for readers whose numbers end at 2^53'),
  overlap: z.enum(overlaps),
  catch_up_ms: z.number(),
  jitter_ms: z.number(),
  description: z.string(),
  paused: z.boolean(),
  revision: z.number(),
  created_at: moment,
  fired: z.number().describe('the number of fire times that fired'),
  last: z.object({ at: moment, request_id: z.string() }).optional().describe('the last fire time that fired, and its invocation'),
  skipped: z.object({ count: z.number(), at: moment }).optional().describe('the fire times that the overlap policy skipped'),
  missed: z
    .object({ from: moment, to: moment, count: z.number() })
    .optional()
    .describe('the latest fire times that were later than the catch-up window, and the number of all such fire times'),
  late: z.object({ at: moment, due_at: moment }).optional().describe('the oldest fire time that is due and did not fire yet'),
  next: z.array(z.object({ at: moment, due_at: moment })).describe('the next fire times, and when they fire: the jitter later'),
});
export type ScheduleView = z.infer<typeof scheduleSchema>;
export const schedulesSchema = z.object({ schedules: z.array(scheduleSchema) });
export const scheduleRunSchema = z.object({ request_id: z.string(), function: z.string() });
