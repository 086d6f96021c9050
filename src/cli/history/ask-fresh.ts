import type { SequentClient } from '#src/client/client.ts';
import { HistoryUnavailableError, NatsUnavailableError } from '#src/core/errors.ts';
import type { AskOptions } from '#src/core/history-questions.ts';
import type { Call } from '../call.ts';
import { say } from '../texts/say.ts';

/**
 * Asks a read model for an answer that covers everything the log holds now, so that a command sees what the command before it wrote.
 *
 * A read model that stays too far behind, or whose distance is unknown because the log has no leader, answers with an older state, and
 * stderr says so. Throws `HistoryUnavailableError` when no projection answers, and the first error when the older state has no answer.
 */
export async function askFresh<Answer>(
  { lastSequence }: Pick<SequentClient, 'lastSequence'>,
  { terminal: { err } }: Pick<Call, 'terminal'>,
  ask: (freshness: Pick<AskOptions, 'atLeast'>) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask({ atLeast: await lastSequence() });
  } catch (error) {
    const mayBeOlder = error instanceof HistoryUnavailableError ? error.isBehind : error instanceof NatsUnavailableError;
    if (!mayBeOlder) throw error;
    // An older state proves no absence: the messages that the read model lacks may contain the invocation.
    const older = await ask({}).catch(() => {
      throw error;
    });
    err.line(err.paint.yellow(say('the read model may be behind the log: the newest changes may be missing')));
    return older;
  }
}
