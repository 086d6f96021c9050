import type { Msg } from 'nats';
import type { z } from 'zod';

/**
 * The question in a message, or `undefined` when it is none.
 *
 * Never throws: what a callback throws ends the reading of the whole connection, and anybody may send anything.
 */
export function readQuestion<Question>(schema: z.ZodType<Question>, message: Msg): Question | undefined {
  try {
    return schema.safeParse(message.json()).data;
  } catch {
    return undefined;
  }
}
