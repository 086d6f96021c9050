import type { Surroundings } from '#src/analysis/explain/queue-waits.ts';
import { dependsOnSurroundings } from '#src/analysis/explain/why-waiting.ts';
import { momentsOf, stateOf } from '#src/analysis/history.ts';
import type { SequentClient, Timeline } from '#src/client/client.ts';
import { readSurroundings } from '#src/client/state/surroundings.ts';
import { unknownInSilence } from '#src/core/no-answer-error.ts';

/** The state of the function and of the roles; `undefined` when the explanation depends on none of them, and while no process answers. */
export async function surroundingsIfOpen(
  client: SequentClient,
  { function: name, requestPayload: payload, transitions }: Timeline,
): Promise<Surroundings | undefined> {
  if (!dependsOnSurroundings(momentsOf({ transitions }))) return undefined;
  return await readSurroundings(client, name, { ...stateOf({ transitions }).context, payload }).catch(unknownInSilence);
}
