import type { Gateway } from './ports.ts';

const CATCH_UP_WITHIN_MS = 1_000;
const PAUSE_IN_MS = 10;

/**
 * Waits until the read model holds what the log held when it was asked, so that whoever got an answer finds what it says; a
 * second at most, since a read model may be far behind. Throws `HistoryUnavailableError`.
 */
export async function whenCaughtUp({ client, clock }: Pick<Gateway, 'client' | 'clock'>): Promise<void> {
  const last = await client.lastSequence();
  const until = clock.now() + CATCH_UP_WITHIN_MS;
  for (;;) {
    const { sequence } = await client.history.status();
    if (sequence >= last || clock.now() >= until) return;
    await clock.sleep(PAUSE_IN_MS);
  }
}
