import type { Msg } from 'nats';
import { z } from 'zod';
import { subjects } from '#src/core/names/subjects.ts';
import type { ExecutionProbe } from '#src/core/ports/execution-probe.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { isNotPermitted } from '#src/nats/transport/errors.ts';
import { keepSubscribed } from '#src/nats/transport/keep-subscribed.ts';
import { readQuestion } from './question.ts';

const questionSchema = z.object({ invocation: z.string(), attempt: z.number() });
const ANSWER_WITHIN_MS = 2_000;

/** Asks workers by request and reply: a subject without a responder answers at once. */
export function createNatsExecutionProbe(connection: Connection): ExecutionProbe {
  const { nats } = connection;
  return {
    async isRunning(worker, invocation, attempt) {
      if (!/^[A-Za-z0-9_-]+$/.test(worker)) return false;
      try {
        const answer = await nats.request(subjects.runs(worker), JSON.stringify({ invocation, attempt }), { timeout: ANSWER_WITHIN_MS });
        return answer.string() === 'yes';
      } catch (error) {
        // Cut off, or not permitted to ask, this process knows nothing about others.
        if (!connection.isConnected || isNotPermitted(error)) throw connection.refusals.explain(error);
        return false;
      }
    },
    answer(worker, runs, signal) {
      const onQuestion = (message: Msg): void => {
        const question = readQuestion(questionSchema, message);
        message.respond(question !== undefined && runs(question.invocation, question.attempt) ? 'yes' : 'no');
      };
      keepSubscribed(connection, subjects.runs(worker), onQuestion, { signal });
    },
  };
}
