import { z } from 'zod';
import { PATH_FORM, parseJsonPath } from '#src/core/json/json-path.ts';
import { refuseWhen, subjectNames } from './when-refusal.ts';

/** The longest `when`, as JSON text. The facts of each first attempt hold it. */
const MAX_CHARACTERS = 1_000;

const scalar = z.union([z.string().max(256), z.number(), z.boolean(), z.null()], 'must be a text, a number, true, false or null');
const number = z.number('must be a number');

/** A comparison of one value of an invocation. */
const comparisonShape = {
  of: z.enum(subjectNames, `must be one of ${subjectNames.join(', ')}`).optional(),
  path: z
    .string()
    .refine((text) => parseJsonPath(text) !== undefined, PATH_FORM)
    .optional()
    .describe('where the value is in the payload, such as $.order.total'),
  equals: scalar.optional(),
  in: z.array(scalar).min(1, 'must have a value').max(50, 'must have at most 50 values').optional(),
  exists: z.boolean().optional(),
  less: number.optional(),
  greater: number.optional(),
};
const comparisonSchema = z.strictObject(comparisonShape).superRefine(expectClear);
const termSchema = z.strictObject({ ...comparisonShape, not: comparisonSchema.optional() }).superRefine(expectClear);
const termsSchema = z.array(termSchema).min(1, 'must have a comparison').max(10, 'must have at most 10 comparisons').optional();

/**
 * The condition under which a destination gets an outcome (WHEN1). It is data, and no code: one comparison, its negation (`not`), or several
 * that hold together (`and`), or of which one holds (`or`).
 */
export const whenSchema = z
  .strictObject({ ...comparisonShape, not: comparisonSchema.optional(), and: termsSchema, or: termsSchema })
  .superRefine(expectClear)
  .refine((when) => JSON.stringify(when).length <= MAX_CHARACTERS, `must have at most ${MAX_CHARACTERS} characters as JSON`);

export type Comparison = z.infer<typeof comparisonSchema>;
export type When = z.infer<typeof whenSchema>;

type Refinement = { addIssue: (issue: { code: 'custom'; message: string; path?: PropertyKey[] }) => void };

function expectClear(when: Parameters<typeof refuseWhen>[0], context: Refinement): void {
  const refusal = refuseWhen(when);
  if (refusal === undefined) return;
  const { message, field } = refusal;
  context.addIssue({ code: 'custom', message, ...(field === undefined ? {} : { path: [field] }) });
}
