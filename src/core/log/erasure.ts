import { z } from 'zod';

/**
 * Finished invocations are to be forgotten: an event of the log, so that every reader forgets the same ones.
 *
 * It means every stream whose requests were accepted before a time, of one function if it names one, that was finished and had
 * all its messages up to a sequence. `everywhere` is a request to remove what users sent, from the log, the archive and the
 * read models; `read-models` only ends how long these can be asked about it.
 */
export const erasureSchema = z
  .object({
    v: z.literal(1),
    id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
    scope: z.enum(['everywhere', 'read-models']),
    function: z.string().min(1).max(256).optional(),
    /** Accepted before this moment, in milliseconds since the epoch. */
    before: z.number(),
    /** Finished by this sequence. */
    until: z.number().int().min(0),
    /** Who asked, and when. */
    by: z.string().max(256),
    at: z.number(),
    reason: z.string().max(1_000).optional(),
    /** What was found when it was written. */
    invocations: z.number().int().min(0),
    /** How many messages of the log are erased, hints aside. */
    messages: z.number().int().min(0),
  })
  .strict();
export type Erasure = z.output<typeof erasureSchema>;
