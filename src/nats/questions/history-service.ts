import { type Msg, RequestStrategy, type ServiceMsg } from 'nats';
import { z } from 'zod';
import {
  AmbiguousIdError,
  HistoryUnavailableError,
  InvalidInputError,
  InvocationNotFoundError,
  messageOf,
  type SequentError,
} from '#src/core/errors.ts';
import { type AnswerOf, type History, type HistoryAnswers, type Question, questions } from '#src/core/history-questions.ts';
import { HISTORY_GROUP, subjects } from '#src/core/names/subjects.ts';
import type { Connection } from '#src/nats/transport/connection.ts';

/** The NATS service that answers queries of the history. `nats service info` shows the JSON schemas of its requests and responses. */
export const HISTORY_SERVICE = 'sequent-history';
/** Questions that address one instance, because each instance has a read model of its own. */
const ofOneInstance: readonly Question[] = ['status', 'check', 'rebuild'];
const names = Object.keys(questions) as Question[];

const candidatesSchema = z.object({ functions: z.array(z.string()) });

export type HistoryServiceOptions = { answers: HistoryAnswers; instance: string; version: string };

/** Answers questions until the returned function is called. */
export async function serveHistory(
  { nats }: Connection,
  { answers, instance, version }: HistoryServiceOptions,
): Promise<() => Promise<void>> {
  const service = await nats.services.add({
    name: HISTORY_SERVICE,
    version,
    description: 'Sequent: the history of every invocation, from a read model of the log',
    metadata: { instance },
  });
  const group = service.addGroup(HISTORY_GROUP);
  for (const name of names) {
    const handler = (error: Error | null, message: ServiceMsg): void => {
      if (error === null) void answer(name, answers, message);
    };
    const metadata = schemasOf(name);
    // A check or a rebuild is expensive, so the caller must choose the instance.
    if (name !== 'check' && name !== 'rebuild') group.addEndpoint(name, { handler, metadata });
    if (ofOneInstance.includes(name)) {
      group.addEndpoint(`${name}-${instance}`, { subject: `${name}.${instance}`, handler, metadata });
    }
  }
  return async () => {
    await service.stop();
  };
}

function schemasOf(name: Question): Record<string, string> {
  const { query, answer: response } = questions[name];
  return {
    request: JSON.stringify(z.toJSONSchema(query, { io: 'input' })),
    response: JSON.stringify(z.toJSONSchema(response, { io: 'output' })),
  };
}

/** Never rejects, because an unhandled rejection would end the process. */
async function answer(name: Question, answers: HistoryAnswers, message: ServiceMsg): Promise<void> {
  try {
    const query = questions[name].query.safeParse(message.data.length === 0 ? {} : JSON.parse(message.string()));
    if (!query.success) return refuse(message, 400, z.prettifyError(query.error).replaceAll('✖ ', ''));
    // The schema of this question parsed the query, so the cast is safe.
    const found = await (answers[name] as (given: unknown) => unknown)(query.data);
    message.respond(JSON.stringify(found));
  } catch (error) {
    if (error instanceof InvocationNotFoundError) refuse(message, 404, messageOf(error));
    else if (error instanceof AmbiguousIdError) refuse(message, 409, messageOf(error), { functions: error.functions });
    else if (error instanceof InvalidInputError) refuse(message, 400, messageOf(error));
    else if (error instanceof SyntaxError) refuse(message, 400, 'the question is not JSON');
    else refuse(message, 500, messageOf(error));
  }
}

function refuse(message: ServiceMsg, code: number, why: string, facts: object = {}): void {
  // The reason is sent in a header, and `nats` 2.x does not refuse line breaks in headers.
  message.respondError(code, why.replaceAll(/\s+/g, ' ').slice(0, 500), new TextEncoder().encode(JSON.stringify(facts)));
}

/** Asks one given instance, or else any instance that answers. */
export function createNatsHistory({ nats }: Connection): History {
  return {
    async ask(question, query, { instance, timeoutInMs = 10_000 } = {}) {
      if (instance !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(instance)) {
        throw new InvalidInputError({ field: 'the instance', problem: 'must be letters, digits, "-" or "_"' });
      }
      const subject = subjects.history(question, instance);
      const reply = await nats.request(subject, JSON.stringify(query), { timeout: timeoutInMs }).catch((cause: unknown) => {
        throw new HistoryUnavailableError({ why: whyOf(cause, timeoutInMs) }, { cause });
      });
      const code = reply.headers?.get('Nats-Service-Error-Code') ?? '';
      if (code !== '') throw errorOf(code, reply, query);
      const parsed = questions[question].answer.safeParse(reply.json());
      if (!parsed.success) throw new HistoryUnavailableError({ why: `the answer cannot be read: ${z.prettifyError(parsed.error)}` });
      return parsed.data as AnswerOf<typeof question>;
    },
    async instances() {
      const found: string[] = [];
      try {
        for await (const { metadata } of await nats.services
          .client({ strategy: RequestStrategy.Timer, maxWait: 500 })
          .ping(HISTORY_SERVICE)) {
          if (metadata?.instance !== undefined) found.push(metadata.instance);
        }
      } catch (cause) {
        // 503 means that no projection answers: the list is empty.
        if ((cause as { code?: string }).code !== '503') throw new HistoryUnavailableError({ why: messageOf(cause) }, { cause });
      }
      return found.sort();
    },
  };
}

function errorOf(code: string, reply: Msg, query: unknown): SequentError {
  const why = reply.headers?.get('Nats-Service-Error') ?? '';
  const { id = '' } = query as { id?: string };
  if (code === '409') return new AmbiguousIdError({ id, functions: candidatesSchema.parse(reply.json()).functions });
  if (code === '404') return new InvocationNotFoundError({ id });
  if (code === '400') return new InvalidInputError({ field: 'the question', problem: `is not valid: ${why}` });
  return new HistoryUnavailableError({ why });
}

function whyOf(cause: unknown, timeoutInMs: number): string {
  const { code } = cause as { code?: string };
  if (code === '503') return 'no projection runs';
  if (code === 'TIMEOUT') return `no answer within ${timeoutInMs} ms`;
  return messageOf(cause);
}
