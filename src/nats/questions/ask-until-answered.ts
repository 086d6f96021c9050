import type { Msg } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { isNoResponders, isNotPermitted, isTimeout } from '#src/nats/transport/errors.ts';

/**
 * How long each try waits, ten seconds together. A try may get lost with the process that received it, so there are several; an overloaded
 * process answers late, so they grow.
 */
const TRIES_IN_MS = [1_000, 1_000, 2_000, 2_000, 4_000];

export type RepeatedQuestion<Answer> = {
  subject: string;
  question: string;
  /** Who answers, as the error names it. */
  asked: string;
  /** Reads the answer. An exception counts as no answer. */
  read: (message: Msg) => Answer;
  timeoutInMs?: number | undefined;
};

/**
 * Asks one of the processes that subscribe to a subject. Resolves to `undefined` when none does, which only the server can say ("no
 * responders"): a process that stalls is silent for a time, and silence proves nothing (A1).
 *
 * Throws `NoAnswerError` when a process subscribes and does not answer in time, and `NotPermittedError`.
 */
export async function askUntilAnswered<Answer>(
  connection: Pick<Connection, 'nats' | 'refusals'>,
  { timeoutInMs = Number.POSITIVE_INFINITY, ...question }: RepeatedQuestion<Answer>,
): Promise<Answer | undefined> {
  let waitedInMs = 0;
  for (const tryInMs of TRIES_IN_MS) {
    if (waitedInMs >= timeoutInMs) break;
    const tried = await askOnce(connection, question, tryInMs);
    if (tried !== 'silence') return tried.answer;
    waitedInMs += tryInMs;
  }
  throw new NoAnswerError({ asked: question.asked, why: `none within ${waitedInMs} ms, although it is connected to NATS` });
}

async function askOnce<Answer>(
  { nats, refusals }: Pick<Connection, 'nats' | 'refusals'>,
  { subject, question, asked, read }: RepeatedQuestion<Answer>,
  timeout: number,
): Promise<{ answer: Answer | undefined } | 'silence'> {
  try {
    return { answer: read(await nats.request(subject, question, { timeout })) };
  } catch (cause) {
    if (isNoResponders(cause)) return { answer: undefined };
    if (isTimeout(cause)) return 'silence';
    throw isNotPermitted(cause) ? refusals.explain(cause) : new NoAnswerError({ asked, why: messageOf(cause) }, { cause });
  }
}
