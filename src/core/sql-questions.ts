import { z } from 'zod';

/** The rows of an answer of `sequent sql` at most, and by default. */
export const MAX_SQL_ROWS = 10_000;
export const SQL_ROWS = 1_000;
/** How long a query may run. */
export const MAX_SQL_MS = 60_000;
export const SQL_MS = 10_000;

export const sqlQuerySchema = z.strictObject({
  sql: z.string().min(1).max(20_000).describe('one SELECT over the tables invocations and deliveries'),
  project: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,64}$/, 'must have at most 64 letters, digits, "-" or "_"')
    .optional()
    .describe('the rows of this project alone; empty for the own project'),
  limit: z.number().int().min(1).max(MAX_SQL_ROWS).default(SQL_ROWS),
  withinMs: z.number().int().min(1).max(MAX_SQL_MS).default(SQL_MS).describe('the query is ended after this time'),
});
export type SqlQuery = z.output<typeof sqlQuerySchema>;

export const sqlAnswerSchema = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
  isCut: z.boolean().describe('there are more rows than the limit, or the answer would be larger than 512 KB'),
});
export type SqlAnswer = z.output<typeof sqlAnswerSchema>;
