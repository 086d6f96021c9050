import { type RequestManyOptions, RequestStrategy } from 'nats';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import { isNoResponders } from '#src/nats/transport/errors.ts';

/** How long the later rounds wait for a first answer. An overloaded process answers late, so the rounds grow. */
const LATER_ROUNDS_IN_MS = [3_000, 6_000];
/** How long a later round waits for a further answer. */
const JITTER_IN_MS = 500;

export type Collecting = {
  /** Who answers, as the error names them. */
  asked: string;
  /** How the first round waits. */
  first: { strategy: RequestStrategy; maxWait: number; jitter?: number };
};

/**
 * Collects the answers of all processes that subscribe to a subject. `ask` asks them once. The list is empty when the server says that no
 * process subscribes ("no responders").
 *
 * Throws `NoAnswerError` when a process subscribes and none answers in about ten seconds (A1). When one process answers, another one that does
 * not is missing in the list: NATS does not say how many subscribe.
 */
export async function collectAnswers<Answer>(
  ask: (wait: RequestManyOptions) => Promise<AsyncIterable<Answer>>,
  { asked, first }: Collecting,
): Promise<Answer[]> {
  const later = LATER_ROUNDS_IN_MS.map((maxWait) => ({ strategy: RequestStrategy.JitterTimer, maxWait, jitter: JITTER_IN_MS }));
  let waitedInMs = 0;
  // The client writes to the options that it gets.
  for (const round of [{ ...first }, ...later]) {
    const answers: Answer[] = [];
    try {
      for await (const answer of await ask(round)) answers.push(answer);
    } catch (cause) {
      if (isNoResponders(cause)) return [];
      throw cause;
    }
    if (answers.length > 0) return answers;
    waitedInMs += round.maxWait;
  }
  throw new NoAnswerError({ asked, why: `none within ${waitedInMs} ms, although one is connected to NATS` });
}
