import { z } from 'zod';

/** A request to erase, as it is kept in the state store under {@link erasureKey} until it was performed, and afterwards as its receipt. */
const erasureRequestSchema = z.object({
  function: z.string().min(1).max(256),
  /** Accepted before this moment, in milliseconds since the epoch. */
  before: z.number(),
  by: z.string().max(256),
  at: z.number(),
  reason: z.string().max(1_000).optional(),
  isTrial: z.boolean(),
});

const count = z.number().int().min(0);
const erasureRecordSchema = z.object({
  /** `asked`, `written` into the log, `planned` message by message, `done`. */
  state: z.enum(['asked', 'written', 'planned', 'done']),
  request: erasureRequestSchema,
  /** What it is about; known once somebody looked. */
  found: z.object({ invocations: count, messages: count, until: count }).optional(),
  /** Where the log says that it was asked for. */
  sequence: count.optional(),
  erased: z.object({ messages: count, segments: count, results: count }).optional(),
});
export type ErasureRecord = z.output<typeof erasureRecordSchema>;

export const erasureKey = (id: string): string => `erasure.${id}`;

export function parseErasureRecord(text: string | undefined): ErasureRecord | undefined {
  try {
    return erasureRecordSchema.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}
