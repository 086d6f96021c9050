import { z } from 'zod';

/** A request to erase. The state store keeps it under {@link erasureKey}, and keeps it as a receipt after the erasure. */
const erasureRequestSchema = z.object({
  function: z.string().min(1).max(256),
  /** Accepted before this moment, in milliseconds since the epoch. */
  before: z.number(),
  /** Covers only streams whose requests were refused in plain text (ENC6). */
  only: z.literal('plain-requests').optional(),
  by: z.string().max(256),
  at: z.number(),
  reason: z.string().max(1_000).optional(),
  isTrial: z.boolean(),
});

const count = z.number().int().min(0);
const erasureRecordSchema = z.object({
  /** `asked`, `written` into the log, `planned` message by message, `done`; or `aborted` before it was written. */
  state: z.enum(['asked', 'written', 'planned', 'done', 'aborted']),
  request: erasureRequestSchema,
  /** Of an `asked` one: the janitor is about to write it into the log, so no abort is possible any more. */
  isDecided: z.literal(true).optional(),
  abortBy: z.string().max(256).optional(),
  /** The extent of the erasure, known once the janitor has searched. */
  found: z.object({ invocations: count, messages: count, until: count }).optional(),
  /** The sequence of the erasure in the log. */
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
