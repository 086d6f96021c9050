import type { Msg } from 'nats';
import { z } from 'zod';
import { subjects } from '#src/core/names/subjects.ts';
import type { DestinationCheck } from '#src/core/ports/destination-check.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { keepSubscribed } from '#src/nats/transport/keep-subscribed.ts';
import { readQuestion } from './question.ts';

/**
 * The question of an earlier version names no function, and is answered for the gateway's own project. That is safe, because the
 * destinations role checks every delivery again.
 */
const questionSchema = z.object({ destination: z.string(), param: z.string(), function: z.string().default('') });
const answerSchema = z.object({ problem: z.string().optional() });

export function createNatsDestinationCheck({ nats }: Connection): DestinationCheck {
  return {
    async refuse(question) {
      try {
        const reply = await nats.request(subjects.checkDestination(), JSON.stringify(question), { timeout: 2_000 });
        return answerSchema.parse(reply.json()).problem;
      } catch {
        // No destinations role answers. A wrong destination is found at the delivery, which ends dead with the reason.
        return undefined;
      }
    },
    answer(refuse, signal) {
      const onQuestion = (message: Msg): void => {
        const question = readQuestion(questionSchema, message);
        message.respond(JSON.stringify({ problem: question === undefined ? 'the question cannot be read' : refuse(question) }));
      };
      keepSubscribed({ nats }, { subject: subjects.checkDestination(), queue: 'destinations', onMessage: onQuestion, signal });
    },
  };
}
