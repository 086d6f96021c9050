import { z } from 'zod';

/** What the own API says, as data: routes answer with these shapes, `/openapi.json` is made from them, and pages take their types. */

export const moment = z.number().describe('milliseconds since the epoch');
export const count = z.int().min(0);

export const problemSchema = z.object({
  type: z.string().describe('urn:sequent:problem:<code in lower case>; stable'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe('stable'),
  invocation_id: z.string().optional().describe('of which it is unknown whether it was accepted'),
  idempotency_key: z.string().optional().describe('the request can be repeated under this key: it starts nothing twice'),
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

/** A value of a query that may be repeated, or hold several between commas. */
const several = z.union([z.string(), z.array(z.string())]).transform((given) => [given].flat().flatMap((text) => text.split(',')));

export const manyOf = <const Choices extends readonly [string, ...string[]]>(choices: Choices) =>
  several
    .pipe(
      z
        .array(z.enum(choices, `must be one of ${choices.join(', ')}`))
        .min(1)
        .max(16),
    )
    .optional();

export const wholeNumber = (least: number, most: number) => {
  const problem = `must be a whole number from ${least} to ${most}`;
  return z
    .string(problem)
    .regex(/^\d{1,15}$/, problem)
    .transform(Number)
    .pipe(z.int().min(least, problem).max(most, problem));
};

/** Milliseconds since the epoch, or a moment as ISO 8601 has it. */
export const time = z.string().transform((text, context) => {
  const at = /^\d{1,15}$/.test(text) ? Number(text) : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  context.addIssue({ code: 'custom', message: 'must be milliseconds since the epoch, or a moment such as 2026-01-31T12:00:00Z' });
  return z.NEVER;
});

/** A sequence of the log, or a time as ISO 8601 has it. */
export const place = z
  .string()
  .max(64)
  .transform((text, context) => {
    if (/^\d{1,15}$/.test(text)) return { sequence: Number(text) };
    const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(at)) return { at };
    context.addIssue({ code: 'custom', message: 'must be a sequence of the log, or a moment such as 2026-01-31T12:00:00Z' });
    return z.NEVER;
  })
  .describe('as it was then: behind this sequence of the log, or at this moment');

/** `?flag`, `?flag=true` or `?flag=false`. */
export const flag = z
  .enum(['', 'true', 'false'], 'must be true or false')
  .transform((text) => text !== 'false')
  .optional();
