import type { LivePart, LiveQuestion } from '#src/core/output/live-output.ts';

/** New lines of running attempts, from one worker. */
export type LiveAnswer = { worker: string; at: number; parts: LivePart[] };

/** The output of attempts that run. Nothing of it is stored, and an answer that is lost is given again to the next question. */
export interface LiveOutput {
  /** Answers for this worker until the signal aborts. */
  answer(worker: string, read: (question: LiveQuestion) => LivePart[], signal: AbortSignal): void;
  /**
   * Asks the workers twice a second while the reader waits for an answer, until the signal aborts. `after` is called for each question.
   * Ends when the user of this connection may not ask.
   */
  follow(asked: Omit<LiveQuestion, 'after'> & { after: () => LiveQuestion['after'] }, signal: AbortSignal): AsyncGenerator<LiveAnswer>;
}
