import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientHistory } from '#src/client/history/history.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import type { HistoryFilter } from '#src/core/history-questions.ts';
import type { LiveTransition } from '#src/core/log/transitions.ts';

/** How long a read model may lag behind the log. */
const MAX_LAG_IN_MS = 30_000;
const PAUSE_IN_MS = 50;

/**
 * A test of transitions: whether the invocation matches the filter after the transition. Asks a read model as of that moment.
 *
 * Throws like the history when the filter is invalid, when no projection answers, and when the read model stays behind.
 */
export async function createInvocationTest(
  history: ClientHistory,
  filter: HistoryFilter,
): Promise<(transition: Pick<LiveTransition, 'sequence' | 'function' | 'fact'>) => Promise<boolean>> {
  if (Object.keys(filter).length === 0) return async () => true;
  // An invalid filter is an error before the first transition.
  await history.count({ ...filter, most: 1 });
  return async ({ sequence, function: name, fact }) => {
    const deadline = performance.now() + MAX_LAG_IN_MS;
    for (;;) {
      try {
        const query = { ...filter, id: fact.invocation, function: name, moment: { sequence }, most: 1 };
        return (await history.count(query)).count > 0;
      } catch (error) {
        const isBehind = error instanceof InvalidInputError;
        if (!isBehind || performance.now() > deadline) throw error;
      }
      await sleep(PAUSE_IN_MS);
    }
  };
}
