import type { Msg } from 'nats';
import { z } from 'zod';
import { isFunctionName, isRequestId, type StreamId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { OpenRequests } from '#src/core/ports/questions/open-requests.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { keepSubscribed } from '#src/nats/transport/connection/keep-subscribed.ts';
import { askUntilAnswered } from './ask-until-answered.ts';
import { readQuestion } from './question.ts';
import type { ServiceAudit } from './service-audit.ts';

/** More functions of one id are not listed. */
const MAX_ANSWERED = 100;
const questionSchema = z.object({ stream: z.string().refine(isRequestId), function: z.string().refine(isFunctionName).optional() });
const openSchema = z.object({ function: z.string().refine((text) => isFunctionName(text) || text === '_'), request: z.number() });
/** `others` are the further open requests of the id. */
const answerSchema = openSchema.extend({ others: z.array(openSchema).default([]) }).nullable();

export function createNatsOpenRequests(connection: Pick<Connection, 'nats' | 'refusals'>, audit?: ServiceAudit): OpenRequests {
  const { nats } = connection;
  return {
    async find(stream, functionName, { timeoutInMs } = {}) {
      const found = await askUntilAnswered(connection, {
        subject: subjects.findRequest(),
        question: JSON.stringify({ stream, function: functionName }),
        asked: 'the scheduler',
        read: (reply) => answerSchema.parse(reply.json()),
        timeoutInMs,
      });
      // Without a running scheduler, the log and the read model are all that can be asked.
      const all = found === undefined || found === null ? [] : [found, ...found.others];
      return all.map(({ function: name, request }) => ({ name: { function: name as never, stream }, request }));
    },
    answer(find, signal) {
      const reply = async (message: Msg): Promise<void> => {
        const question = readQuestion(questionSchema, message);
        const found = question === undefined ? [] : await find(question.stream as string as StreamId, question.function);
        const [first, ...others] = found.slice(0, MAX_ANSWERED).map(({ name, request }) => ({ function: name.function, request }));
        message.respond(JSON.stringify(first === undefined ? null : { ...first, others }));
        audit?.record(message, {
          action: 'requests.find',
          status: question === undefined ? 400 : 200,
          subject: question?.stream,
          isCounted: true,
        });
      };
      // Without an answer, the asking process asks again.
      const onMessage = (message: Msg): void => void reply(message).catch(() => {});
      keepSubscribed({ nats }, { subject: subjects.findRequest(), queue: 'schedulers', onMessage, signal });
    },
  };
}
