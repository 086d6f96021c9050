import { type Msg, RequestStrategy } from 'nats';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { ConnectionsAnswer, ConnectionsControl } from '#src/core/ports/connections-control.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { keepSubscribed } from '#src/nats/transport/keep-subscribed.ts';
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
const WAIT_MS = 2_000;
const WAIT_AFTER_ANSWER_MS = 300;
const WAIT_FOR_TEST_MS = 65_000;

export function createNatsConnectionsControl({ nats }: Connection, audit?: ServiceAudit): ConnectionsControl {
  return {
    async ask(question) {
      const isTest = question.do === 'test';
      const wait = isTest
        ? { strategy: RequestStrategy.Count, maxMessages: 1, maxWait: WAIT_FOR_TEST_MS }
        : { strategy: RequestStrategy.JitterTimer, maxWait: WAIT_MS, jitter: WAIT_AFTER_ANSWER_MS };
      const answers: ConnectionsAnswer[] = [];
      try {
        for await (const reply of await nats.requestMany(subjects.askConnections(), JSON.stringify(question), wait))
          answers.push(answerSchema.parse(reply.json()));
      } catch (error) {
        // 503 means that no destinations role listens: there is no answer.
        if ((error as { code?: string }).code !== '503') throw error;
      }
      return answers;
    },
    answer(process, answer, signal) {
      const onQuestion = async (message: Msg): Promise<void> => {
        const question = readQuestion(questionSchema, message);
        if (question === undefined || (question.process !== undefined && question.process !== process)) return;
        const found = await answer(question).catch((error: unknown) => ({ file: null, connections: [], problem: messageOf(error) }));
        message.respond(JSON.stringify({ process, ...found }));
        audit?.note(message, { action: `connections.${question.do}`, status: 200, isCounted: false, isChange: question.do !== 'list' });
      };
      keepSubscribed({ nats }, { subject: subjects.askConnections(), onMessage: (message) => void onQuestion(message), signal });
    },
  };
}
