import type { Msg } from 'nats';
import { z } from 'zod';
import { subjects } from '#src/core/names/subjects.ts';
import type { DestinationCheck } from '#src/core/ports/questions/destination-check.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { keepSubscribed } from '#src/nats/transport/connection/keep-subscribed.ts';
import { askUntilAnswered } from './ask-until-answered.ts';
import { readQuestion } from './question.ts';
import type { ServiceAudit } from './service-audit.ts';

const questionSchema = z.object({ destination: z.string(), param: z.string(), function: z.string() });
const answerSchema = z.object({ problem: z.string().optional() });

export function createNatsDestinationCheck(connection: Pick<Connection, 'nats' | 'refusals'>, audit?: ServiceAudit): DestinationCheck {
  const { nats } = connection;
  return {
    async refuse(question) {
      // Without a destinations role, a wrong destination is found at the delivery, which ends dead with the reason.
      const answer = await askUntilAnswered(connection, {
        subject: subjects.checkDestination(),
        question: JSON.stringify(question),
        asked: 'the destinations role',
        read: (reply) => answerSchema.parse(reply.json()),
      });
      return answer?.problem;
    },
    answer(refuse, signal) {
      const onQuestion = async (message: Msg): Promise<void> => {
        const question = readQuestion(questionSchema, message);
        // A check that fails says nothing about the destination.
        const problem = question === undefined ? 'the question cannot be read' : await refuse(question).catch(() => undefined);
        message.respond(JSON.stringify({ problem }));
        audit?.record(message, { action: 'destination.check', status: question === undefined ? 400 : 200, isCounted: true });
      };
      keepSubscribed(
        { nats },
        { subject: subjects.checkDestination(), queue: 'destinations', onMessage: (message) => void onQuestion(message), signal },
      );
    },
  };
}
