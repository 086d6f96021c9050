import { setTimeout as sleep } from 'node:timers/promises';
import type { SequentClient } from '#src/client/client.ts';
import type { HistoryStatus } from '#src/core/history-questions.ts';

/** Resolves to the status of the running projection when the status satisfies the condition; throws after the deadline. */
export async function statusOnce(
  client: SequentClient,
  condition: (status: HistoryStatus) => boolean,
  withinMs = 60_000,
): Promise<HistoryStatus> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await client.history.status({ timeoutInMs: 2_000 }).catch(() => undefined);
    if (seen !== undefined && condition(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${JSON.stringify(seen)}`);
    await sleep(20);
  }
}
