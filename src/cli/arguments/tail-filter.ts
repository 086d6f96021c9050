import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientHistory } from '#src/client/history.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import type { HistoryFilter } from '#src/core/history-questions.ts';
import type { LiveTransition } from '#src/core/log/transitions.ts';

/** How long a read model may be behind the log. */
const PATIENCE_IN_MS = 30_000;
const PAUSE_IN_MS = 50;

/**
 * Tells of a transition whether its invocation was such a one behind it, by asking a read model of that moment, once it has read so far.
 *
 * Throws what the history throws when the filter is none, when nobody answers, and when the read model stays behind.
 */
export async function createInvocationTest(
  history: ClientHistory,
  filter: HistoryFilter,
): Promise<(transition: Pick<LiveTransition, 'sequence' | 'function' | 'fact'>) => Promise<boolean>> {
  if (Object.keys(filter).length === 0) return async () => true;
  // What is wrong with the filter is said before the first transition comes.
  await history.count({ ...filter, most: 1 });
  return async ({ sequence, function: name, fact }) => {
    const giveUpAt = performance.now() + PATIENCE_IN_MS;
    for (;;) {
      try {
        const query = { ...filter, id: fact.invocation, function: name, moment: { sequence }, most: 1 };
        return (await history.count(query)).count > 0;
      } catch (error) {
        const isBehind = error instanceof InvalidInputError;
        if (!isBehind || performance.now() > giveUpAt) throw error;
      }
      await sleep(PAUSE_IN_MS);
    }
  };
}
