import type { Msg } from 'nats';
import type { z } from 'zod';

/**
 * Returns the question in a message, or `undefined` when the schema refuses the payload.
 *
 * Never throws, because an exception in a callback would end the reading of the whole connection, and any client may send any bytes.
 */
export function readQuestion<Question>(schema: z.ZodType<Question>, message: Msg): Question | undefined {
  try {
    return schema.safeParse(message.json()).data;
  } catch {
    return undefined;
  }
}
