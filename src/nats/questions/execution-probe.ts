import type { Msg } from 'nats';
import { z } from 'zod';
import { subjects } from '#src/core/names/subjects.ts';
import type { ExecutionProbe } from '#src/core/ports/questions/execution-probe.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { keepSubscribed } from '#src/nats/transport/connection/keep-subscribed.ts';
import { isNoResponders, isTimeout } from '#src/nats/transport/errors.ts';
import { readQuestion } from './question.ts';

const questionSchema = z.object({ function: z.string().optional(), invocation: z.string(), attempt: z.number() });
const ANSWER_WITHIN_MS = 2_000;

/** Asks workers by NATS request and reply. When no worker subscribes to the subject, the server answers at once. */
export function createNatsExecutionProbe(connection: Connection): ExecutionProbe {
  const { nats } = connection;
  return {
    async isRunning(worker, asked) {
      if (!/^[A-Za-z0-9_-]+$/.test(worker)) return false;
      try {
        const answer = await nats.request(subjects.runs(worker), JSON.stringify(asked), { timeout: ANSWER_WITHIN_MS });
        return answer.string() === 'yes';
      } catch (error) {
        if (isNoResponders(error)) return false;
        if (isTimeout(error) && connection.isConnected) return undefined;
        // Without a connection or a permission, nothing is known about the worker: the attempt must not count as lost.
        throw connection.refusals.explain(error);
      }
    },
    answer(worker, runs, signal) {
      const onQuestion = (message: Msg): void => {
        const question = readQuestion(questionSchema, message);
        message.respond(question !== undefined && runs(question) ? 'yes' : 'no');
      };
      keepSubscribed(connection, { subject: subjects.runs(worker), onMessage: onQuestion, signal });
    },
  };
}
