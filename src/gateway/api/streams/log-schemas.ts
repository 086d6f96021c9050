import { z } from 'zod';
import { LOG_LEVELS } from '#src/core/output/log-line.ts';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { flag, moment, time } from '../common-schemas.ts';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "-" or "_"');

const filterShape = {
  failed: flag.optional().describe('true: only of attempts that failed'),
  level: z
    .enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)
    .optional()
    .describe('at least of this level; a line without a level counts as info'),
  text: z.string().min(1).max(256).optional().describe('lines that contain this text, in upper or lower case'),
  request_id: id.optional().describe('only of this invocation'),
  whole: flag.optional().describe('true: the whole output of attempts, when the function keeps it (`maxOutputBytes`)'),
};

export const logsQuerySchema = z.strictObject({
  ...filterShape,
  from: time.optional().describe('of attempts that ended at or after this moment; an hour ago by default'),
  to: time.optional().describe('of attempts that ended before this moment'),
  limit: wholeNumber(1, 5_000).default(500).describe('the largest number of lines; the newest ones are kept'),
});

export const logStreamQuerySchema = z.strictObject({
  ...filterShape,
  from: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('a sequence of the log, such as `next` of the route without /stream; now by default'),
  live: flag.optional().describe('true: also the lines of running attempts, within a second, as events of the type "live"'),
});

const logLineSchema = z.object({
  sequence: z.int().describe('the sequence in the log of the message that ended the attempt'),
  index: z.int().describe('the number of the line in its attempt; request_id, attempt and index identify a line'),
  at: moment.describe('the time that the line states, otherwise the end of the attempt; in milliseconds since the epoch'),
  request_id: z.string(),
  attempt: z.int(),
  failed: z.boolean().describe('whether the attempt failed'),
  kind: z.enum(['output', 'failure']).describe('what the function printed, or the failure of the attempt'),
  level: z.enum(LOG_LEVELS).optional(),
  message: z.string().describe('the message in a structured line; otherwise the line'),
  text: z.string().describe('the line as it was printed'),
  is_cut: z.boolean().optional().describe('the attempt printed more before this line'),
  left_out: z.int().optional().describe('how many lines of a running attempt before this line are not shown'),
  is_stored: z.boolean().optional().describe('that part is stored: `whole=true` reads it'),
});
export type LogLineView = z.infer<typeof logLineSchema>;

export const logsSchema = z.object({
  lines: z.array(logLineSchema).describe('in the order in which the attempts ended'),
  is_complete: z.boolean().describe('false when older lines of this time were left out'),
  next: z.int().describe('the sequence of the log from which the stream continues'),
});
export type LogsView = z.infer<typeof logsSchema>;
