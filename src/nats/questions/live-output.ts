import type { Msg } from 'nats';
import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import { isFunctionName, splitName } from '#src/core/names/names.ts';
import { SEQUENT_SUBJECTS, subjects } from '#src/core/names/subjects.ts';
import { MAX_LIVE_ATTEMPTS } from '#src/core/output/live-output.ts';
import type { LiveAnswer, LiveOutput } from '#src/core/ports/questions/live-output.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { keepSubscribed } from '#src/nats/transport/connection/keep-subscribed.ts';
import { AnswerTime } from './answer-time.ts';
import { readQuestion } from './question.ts';
import type { ServiceAudit } from './service-audit.ts';

/** A line is shown within a second: the runtime sends output every 20 ms. */
const ASK_EVERY_MS = 500;

const count = z.int().nonnegative();
const questionSchema = z.object({
  invocation: z.string().optional(),
  after: z.record(z.string(), count).refine((after) => Object.keys(after).length <= MAX_LIVE_ATTEMPTS),
});
const partSchema = z.object({ invocation: z.string(), attempt: count, from: count, next: count, lines: z.array(z.string()) });
const answerSchema = z.object({ worker: z.string(), at: z.number(), parts: z.array(partSchema) });

/**
 * The output of running attempts, by core messages of NATS (LIVE1): readers ask all workers at once, by the function, and a worker with new
 * lines answers to the inbox of the reader.
 */
export function createNatsLiveOutput(connection: Connection, audit?: ServiceAudit): LiveOutput {
  return {
    answer(worker, read, signal) {
      const time = new AnswerTime();
      const onQuestion = (message: Msg): void => {
        const name = message.subject.split('.').at(-1) ?? '';
        // Without a subject for the answer, nobody reads it (ANS1).
        const { project } = splitName(name);
        if (!message.reply || !isFunctionName(name) || !time.isLeftFor(project)) return;
        const question = readQuestion(questionSchema, message);
        if (question === undefined) return;
        const parts = time.spend(project, () => read({ ...question, function: name }));
        const answer = textOf({ worker, at: Date.now(), parts }, connection.nats.info?.max_payload);
        if (answer === undefined) return;
        message.respond(answer);
        audit?.record(message, { action: 'worker.output', status: 200, subject: name, project, isCounted: true });
      };
      keepSubscribed(connection, { subject: SEQUENT_SUBJECTS.liveOutput, onMessage: onQuestion, signal });
    },
    async *follow({ function: name, invocation, after }, signal) {
      if (!isFunctionName(name)) return;
      const { nats, refusals } = connection;
      const subject = subjects.liveOutput(name);
      const inbox = connection.createInbox();
      const answers = nats.subscribe(inbox);
      let isWaiting = true;
      const ask = (): void => {
        // A reader that is busy with an answer is not sent further ones, so they never pile up.
        if (isWaiting && connection.isConnected) nats.publish(subject, JSON.stringify({ invocation, after: after() }), { reply: inbox });
      };
      const timer = setInterval(ask, ASK_EVERY_MS);
      const end = (): void => {
        clearInterval(timer);
        unlisten();
        if (!answers.isClosed()) answers.unsubscribe();
      };
      const unlisten = refusals.listen((refusal) => refusal.subject === subject && end());
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
      else ask();
      try {
        for await (const message of answers) {
          const answer = answerSchema.safeParse(parseJson(message.string())).data;
          isWaiting = false;
          if (answer !== undefined) yield answer;
          isWaiting = true;
        }
      } finally {
        signal.removeEventListener('abort', end);
        end();
      }
    },
  };
}

/** An answer that the server accepts: with fewer attempts when the limit of messages is low. A refused message would end the subscription. */
function textOf({ parts, ...answer }: LiveAnswer, maxBytes = 1_048_576): string | undefined {
  for (let attempts = parts.length; attempts > 0; attempts = Math.floor(attempts / 2)) {
    const text = JSON.stringify({ ...answer, parts: parts.slice(0, attempts) });
    if (Buffer.byteLength(text) <= maxBytes) return text;
  }
  return undefined;
}
