import type { Gateway } from './ports.ts';

const CATCH_UP_WITHIN_MS = 1_000;
const POLL_EVERY_MS = 10;

/**
 * Waits until the read model contains everything that the log contained at the call, so that a caller can query what an earlier reply
 * confirmed. Waits at most one second, because a read model may be far behind. Throws `HistoryUnavailableError`.
 */
export async function whenCaughtUp({ client, clock }: Pick<Gateway, 'client' | 'clock'>): Promise<void> {
  const last = await client.lastSequence();
  const until = clock.now() + CATCH_UP_WITHIN_MS;
  for (;;) {
    const { sequence } = await client.history.status();
    if (sequence >= last || clock.now() >= until) return;
    await clock.sleep(POLL_EVERY_MS);
  }
}
