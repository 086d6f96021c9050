import type { Timeline } from '#src/client/client.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import type { Gateway } from '../ports.ts';

const TRIES = 4;
const PAUSE_IN_MS = 100;

/**
 * The timeline of an invocation. What was accepted a moment ago the scheduler may not have read yet, so what is not found is
 * looked for again for a while. Throws `InvocationNotFoundError`.
 */
export async function findTimeline({ client, clock }: Pick<Gateway, 'client' | 'clock'>, id: string): Promise<Timeline> {
  for (let tries = 1; ; tries++) {
    try {
      return await client.timeline(id);
    } catch (error) {
      if (!(error instanceof InvocationNotFoundError) || tries === TRIES) throw error;
      await clock.sleep(PAUSE_IN_MS);
    }
  }
}
