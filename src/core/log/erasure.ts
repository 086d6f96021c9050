import { z } from 'zod';

/**
 * A request to erase finished invocations. It is a message of the log, so that every reader erases the same ones.
 *
 * It covers every stream whose requests were accepted before `before`, of one function if one is named, and whose last message is not after
 * `until`. The scope `everywhere` removes the content from the log, the archive and the read models. The scope `read-models` removes it from
 * the read models only.
 */
export const erasureSchema = z
  .object({
    v: z.literal(1),
    id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
    scope: z.enum(['everywhere', 'read-models']),
    function: z.string().min(1).max(256).optional(),
    /** Covers only streams whose requests were refused in plain text (ENC6). */
    only: z.literal('plain-requests').optional(),
    /** Accepted before this moment, in milliseconds since the epoch. */
    before: z.number(),
    /** The sequence up to which a covered stream was finished. */
    until: z.number().int().min(0),
    /** Who requested the erasure, and when. */
    by: z.string().max(256),
    at: z.number(),
    reason: z.string().max(1_000).optional(),
    /** How many invocations were covered when the erasure was appended. */
    invocations: z.number().int().min(0),
    /** How many messages of the log are erased, without hints. */
    messages: z.number().int().min(0),
    /**
     * Names the erased messages (J9). The janitor appends such records, with the id of the erasure, before it erases the first message. The
     * sequences cannot be in the first record, because an invocation may continue until that record is in the log.
     */
    sequences: z.string().max(1_000_000).optional(),
  })
  .strict();
export type Erasure = z.output<typeof erasureSchema>;
