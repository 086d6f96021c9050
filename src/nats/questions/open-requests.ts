import type { Msg } from 'nats';
import { z } from 'zod';
import { isFunctionName, isRequestId, type StreamId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { OpenRequests } from '#src/core/ports/open-requests.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { keepSubscribed } from '#src/nats/transport/keep-subscribed.ts';
import { readQuestion } from './question.ts';

const questionSchema = z.object({ stream: z.string().refine(isRequestId), function: z.string().refine(isFunctionName).optional() });
const answerSchema = z
  .object({ function: z.string().refine((text) => isFunctionName(text) || text === '_'), request: z.number() })
  .nullable();

export function createNatsOpenRequests({ nats }: Connection): OpenRequests {
  return {
    async find(stream, functionName) {
      try {
        const reply = await nats.request(subjects.findRequest(), JSON.stringify({ stream, function: functionName }), { timeout: 1_000 });
        const found = answerSchema.parse(reply.json());
        return found === null ? undefined : { name: { function: found.function as never, stream }, request: found.request };
      } catch {
        return undefined;
      }
    },
    answer(find, signal) {
      const onQuestion = (message: Msg): void => {
        const question = readQuestion(questionSchema, message);
        const found = question === undefined ? undefined : find(question.stream as string as StreamId, question.function);
        message.respond(JSON.stringify(found === undefined ? null : { function: found.name.function, request: found.request }));
      };
      keepSubscribed({ nats }, { subject: subjects.findRequest(), queue: 'schedulers', onMessage: onQuestion, signal });
    },
  };
}
