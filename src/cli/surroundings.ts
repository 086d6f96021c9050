import { openDeliveries } from '#machines/deliveries.ts';
import { stateOf } from '#src/analysis/history.ts';
import type { Surroundings } from '#src/analysis/queue-waits.ts';
import type { SequentClient, Timeline } from '#src/client/client.ts';
import { readSurroundings } from '#src/client/surroundings.ts';
import { unknownInSilence } from '#src/core/no-answer-error.ts';

/** The state of the function and of the roles; `undefined` for an invocation that waits for none of them, and while no process answers. */
export async function surroundingsIfOpen(
  client: SequentClient,
  { function: name, requestPayload: payload, transitions }: Timeline,
): Promise<Surroundings | undefined> {
  const { value, context } = stateOf({ transitions });
  const waits = value === 'notified' ? openDeliveries(context).length > 0 : value !== 'running';
  return waits ? await readSurroundings(client, name, { ...context, payload }).catch(unknownInSilence) : undefined;
}
