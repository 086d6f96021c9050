import { type Msg, type RequestManyOptions, RequestStrategy } from 'nats';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { ConnectionsControl, ConnectionsQuestion } from '#src/core/ports/questions/connections-control.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { keepSubscribed } from '#src/nats/transport/connection/keep-subscribed.ts';
import { isNoResponders } from '#src/nats/transport/errors.ts';
import { collectAnswers } from './collect-answers.ts';
import { readQuestion } from './question.ts';
import type { ServiceAudit } from './service-audit.ts';

const questionSchema = z.discriminatedUnion('do', [
  z.object({ do: z.enum(['list', 'reload']), process: z.string().optional() }),
  z.object({ do: z.literal('test'), process: z.string(), name: z.string(), target: z.string().max(2_048) }),
]);
const answerSchema = z.object({
  process: z.string(),
  file: z.string().nullable(),
  connections: z.array(z.object({ name: z.string(), kind: z.string() })),
  problem: z.string().optional(),
});

/** How long answers are collected. One process answers a test, for which its connection may take its whole timeout. */
const WAIT = { strategy: RequestStrategy.JitterTimer, maxWait: 2_000, jitter: 300 };
const WAIT_FOR_TEST = { strategy: RequestStrategy.Count, maxMessages: 1, maxWait: 65_000 };

export function createNatsConnectionsControl({ nats }: Pick<Connection, 'nats'>, audit?: ServiceAudit): ConnectionsControl {
  const ask = async (question: ConnectionsQuestion, wait: RequestManyOptions): Promise<AsyncIterable<Msg>> =>
    await nats.requestMany(subjects.askConnections(), JSON.stringify(question), wait);

  /** A test is sent once, because a repetition would send a second envelope. */
  async function askForTest(question: ConnectionsQuestion): Promise<Msg[]> {
    const replies: Msg[] = [];
    try {
      for await (const reply of await ask(question, { ...WAIT_FOR_TEST })) replies.push(reply);
    } catch (error) {
      // The destinations role ended since it was listed.
      if (!isNoResponders(error)) throw error;
    }
    return replies;
  }

  return {
    async ask(question) {
      const replies =
        question.do === 'test'
          ? await askForTest(question)
          : await collectAnswers((wait) => ask(question, wait), { asked: 'the destinations role', first: WAIT });
      return replies.map((reply) => answerSchema.parse(reply.json()));
    },
    answer(process, answer, signal) {
      const onQuestion = async (message: Msg): Promise<void> => {
        const question = readQuestion(questionSchema, message);
        if (question === undefined || (question.process !== undefined && question.process !== process)) return;
        const found = await answer(question).catch((error: unknown) => ({ file: null, connections: [], problem: messageOf(error) }));
        message.respond(JSON.stringify({ process, ...found }));
        audit?.record(message, { action: `connections.${question.do}`, status: 200, isCounted: false, isChange: question.do !== 'list' });
      };
      keepSubscribed({ nats }, { subject: subjects.askConnections(), onMessage: (message) => void onQuestion(message), signal });
    },
  };
}
