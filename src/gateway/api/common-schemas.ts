import { z } from 'zod';
import { parseMoment } from '#src/core/text/parse-moment.ts';
import { parseWholeNumber } from '#src/core/text/whole-number.ts';

/** The shapes of the own API. Routes validate requests with them, `/openapi.json` documents them, and the pages use their types. */

export const moment = z.number().describe('milliseconds since the epoch');
export const count = z.int().min(0);

export const problemSchema = z.object({
  type: z.string().describe('urn:sequent:problem:<code in lower case>; stable'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe('stable'),
  invocation_id: z.string().optional().describe('the invocation whose acceptance is unknown'),
  functions: z.array(z.string()).optional().describe('the functions that have an invocation of this id: name one by ?function='),
  missing_role: z.string().optional().describe('the role that the credential lacks'),
  idempotency_key: z.string().optional().describe('the Idempotency-Key with which a repeated request starts nothing twice'),
  errors: z
    .array(
      z.object({
        detail: z.string(),
        pointer: z.string().optional().describe('a JSON pointer into the request body'),
        parameter: z.string().optional().describe('the query parameter or header'),
      }),
    )
    .optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** A query parameter that may be repeated, or contain several values between commas. */
/** A parameter that may be repeated, or hold several values between commas. */
export const several = z.union([z.string(), z.array(z.string())]).transform((given) => [given].flat().flatMap((text) => text.split(',')));

export const manyOf = <const Choices extends readonly [string, ...string[]]>(choices: Choices) =>
  several
    .pipe(
      z
        .array(z.enum(choices, `must be one of ${choices.join(', ')}`))
        .min(1)
        .max(16),
    )
    .optional();

/** Milliseconds since the epoch, or a moment in ISO 8601. */
export const time = z.string().transform((text, context) => {
  const at = parseWholeNumber(text) ?? parseMoment(text);
  if (at !== undefined) return at;
  context.addIssue({ code: 'custom', message: 'must be milliseconds since the epoch, or a moment such as 2026-01-31T12:00:00Z' });
  return z.NEVER;
});

/** An earlier state of the log: a sequence, or a moment in ISO 8601. */
export const asOf = z
  .string()
  .max(64)
  .transform((text, context) => {
    const sequence = parseWholeNumber(text);
    if (sequence !== undefined) return { sequence };
    const at = parseMoment(text);
    if (at !== undefined) return { at };
    context.addIssue({ code: 'custom', message: 'must be a sequence of the log, or a moment such as 2026-01-31T12:00:00Z' });
    return z.NEVER;
  })
  .describe('the state after this sequence of the log, or at this moment');

/** `?flag`, `?flag=true` or `?flag=false`. */
export const flag = z
  .enum(['', 'true', 'false'], 'must be true or false')
  .transform((text) => text !== 'false')
  .optional();
