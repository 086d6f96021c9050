import { expect, test } from 'vitest';
import { z } from 'zod';
import { problemsOf } from '#src/core/text/problems.ts';

const schema = z.strictObject({
  sql: z.string().min(1).max(5).optional(),
  limit: z.number().int().min(1).max(9).optional(),
  state: z.enum(['queued', 'failed']).optional(),
  states: z.array(z.string()).min(1).optional(),
  id: z
    .string()
    .regex(/^[a-z]+$/)
    .optional(),
  name: z
    .string()
    .regex(/^[a-z]+$/, 'must have small letters')
    .optional(),
  text: z
    .string()
    .refine((text) => text !== '?', 'must hold a letter')
    .optional(),
  at: z.union([z.strictObject({ sequence: z.number() }), z.strictObject({ time: z.number() })]).optional(),
  many: z.array(z.string()).optional(),
  keys: z.record(z.string().regex(/^[a-z]$/), z.number().max(10, 'the count must be small')).optional(),
  either: z.union([z.string(), z.number()]).optional(),
  handler: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('inline') }),
      z.object({ kind: z.literal('process'), share: z.number().positive(), code: z.string().length(2) }),
    ])
    .optional(),
});

test.for<[given: unknown, said: string]>([
  [{ sql: '' }, 'sql must not be empty'],
  [{ sql: 'select' }, 'sql must have at most 5 characters'],
  [{ limit: 0 }, 'limit must be at least 1'],
  [{ limit: 1.5 }, 'limit must be a whole number'],
  [{ limit: 'many' }, 'limit must be a number'],
  [{ state: 'gone' }, 'state must be one of: queued, failed'],
  [{ states: [] }, 'states must have at least 1 entry'],
  [{ id: 'A' }, 'id has a form that is not allowed'],
  [{ name: 'A' }, 'name must have small letters'],
  [{ text: '?' }, 'text must hold a letter'],
  [{ at: {} }, 'at has none of the allowed forms'],
  [{ other: 1 }, 'it has no field "other"'],
  ['text', 'it must be an object'],
  [{ many: ['a', 1] }, 'many[1] must be a string'],
  [{ keys: { A: 1 } }, 'keys.A has a form that is not allowed'],
  [{ keys: { a: 11 } }, 'keys.a: the count must be small'],
  [{ either: true }, 'either must be a string, or must be a number'],
  [{ handler: { kind: 'a' } }, 'handler.kind must be one of: inline, process'],
  [{ handler: { kind: 'process', share: 0, code: '1' } }, 'handler.share must be more than 0; handler.code must have exactly 2 characters'],
  [Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`x${index}`, index])), 'it has no field "x0", "x1", "x2" and 6 more'],
  [{ many: [1, 2, 3, 4, 5] }, 'many[0] must be a string; many[1] must be a string; many[2] must be a string; and 2 more'],
  [{ sql: '', limit: 10 }, 'sql must not be empty; limit must be at most 9'],
])('a value that a person gave is refused in a sentence: %j', ([given, said]) => {
  const { error } = schema.safeParse(given);
  expect(problemsOf(error as z.ZodError)).toBe(said);
});
