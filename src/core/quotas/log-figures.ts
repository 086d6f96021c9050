import { z } from 'zod';

/** The upper bounds of the buckets of the durations, in seconds. */
export const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800] as const;

/** The durations that are counted in buckets. */
export const countedDurations = ['queue', 'execution', 'endToEnd'] as const;
export type CountedDuration = (typeof countedDurations)[number];

const count = z.number();
const byProject = z.record(z.string(), count).describe('by project; empty for the own project. A project without any is absent');

export const usageQuerySchema = z.strictObject({ bytes: z.boolean().default(false).describe('also the bytes that the log stores') });
export const usageSchema = z.object({
  sequence: count.describe('the sequence up to which the log is counted'),
  open: byProject.describe('invocations that are not notified yet'),
  stored: byProject.optional(),
});
/** The use of the log by each project. */
export type LogUsage = z.output<typeof usageSchema>;

export const figuresQuerySchema = z.strictObject({ now: count.describe('requests that are due before are not delayed any more') });
export const figuresSchema = z.object({
  sequence: count.describe('the sequence up to which the log is counted'),
  open: count.describe('invocations that are not notified yet'),
  figures: z
    .array(z.object({ function: z.string(), name: z.string(), value: count }))
    .describe(
      'counts since the beginning of the log. A name is that of a fact, followed by a dot and its kind; a bucket ends in its bound',
    ),
  queued: z
    .array(z.object({ function: z.string(), since: count.nullable(), delayed: count }))
    .describe('of each function: when the oldest request without an attempt was due, and the requests that are not due yet'),
});
/** The counts of the log by function. */
export type LogFigures = z.output<typeof figuresSchema>;
