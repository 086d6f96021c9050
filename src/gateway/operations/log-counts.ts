import { HistoryUnavailableError } from '#src/core/errors.ts';
import type { AnswerOf, History, QueryOf } from '#src/core/history-questions.ts';

/** The questions about what the log holds. */
type CountQuestion = 'usage' | 'figures';

/** What a projection counts in the log, for the metrics and for the quotas. */
export interface LogCounts {
  /** No answer is older than an earlier one. Throws `HistoryUnavailableError`. */
  ask<Name extends CountQuestion>(question: Name, query: QueryOf<Name>): Promise<AnswerOf<Name>>;
}

export type LogCountsOptions = { history: Pick<History, 'ask'>; lastSequence: () => Promise<number> };

/** A projection that is behind the question waits for five seconds before it refuses. */
const ANSWER_WITHIN_MS = 7_000;

/**
 * Asks any projection. A projection that rebuilds its read model, or that is behind another one, refuses: its counters would go backwards, and
 * quotas would not see open invocations.
 */
export function createLogCounts({ history, lastSequence }: LogCountsOptions): LogCounts {
  let newest = 0;
  return {
    async ask(question, query) {
      try {
        const answer = await history.ask(question, query, { timeoutInMs: ANSWER_WITHIN_MS, atLeast: newest });
        newest = Math.max(newest, answer.sequence);
        return answer;
      } catch (error) {
        // The log itself went backwards: it lost its end, or was restored.
        if (error instanceof HistoryUnavailableError && error.isBehind && (await lastSequence()) < newest) newest = 0;
        throw error;
      }
    },
  };
}
