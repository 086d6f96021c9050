import { headers, type Msg, type MsgHdrs, type RequestManyOptions, RequestStrategy, type ServiceMsg } from 'nats';
import { z } from 'zod';
import {
  AmbiguousIdError,
  HistoryUnavailableError,
  InvalidInputError,
  InvocationNotFoundError,
  messageOf,
  type SequentError,
} from '#src/core/errors.ts';
import {
  type AnswerOf,
  type History,
  type HistoryAnswers,
  type Question,
  questions,
  questionsOfProjects,
} from '#src/core/history-questions.ts';
import { type FunctionName, splitName } from '#src/core/names/names.ts';
import { HISTORY_GROUP, subjects } from '#src/core/names/subjects.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { isNoResponders, isTimeout } from '#src/nats/transport/errors.ts';
import { collectAnswers } from './collect-answers.ts';
import type { ServiceAudit, ServiceCall } from './service-audit.ts';

/** The NATS service that answers queries of the history. `nats service info` shows the JSON schemas of its requests and responses. */
export const HISTORY_SERVICE = 'sequent-history';
/** Questions that address one instance, because each instance has a read model of its own. */
const ofOneInstance: readonly Question[] = ['status', 'check', 'rebuild'];
const names = Object.keys(questions) as Question[];

const candidatesSchema = z.object({ functions: z.array(z.string()) });

/** The header of a question with the sequence up to which its answer must cover the log. */
const AT_LEAST = 'Sequent-At-Least';

export type HistoryServiceOptions = {
  answers: HistoryAnswers;
  instance: string;
  version: string;
  /** The id of the own project, whose functions have bare names. */
  project: string;
  /** Records every question. */
  audit?: ServiceAudit | undefined;
  /** Waits until the read model covers the log up to a sequence. Resolves to the number of messages that are still missing. */
  reach: (sequence: number) => Promise<number>;
};

/**
 * Answers questions until the returned function is called.
 *
 * A question on `history.project.<project>.<question>` is answered from this project alone, so permissions can limit a reader to a project.
 */
export async function serveHistory({ nats }: Connection, options: HistoryServiceOptions): Promise<() => Promise<void>> {
  const { instance, version, audit } = options;
  const service = await nats.services.add({
    name: HISTORY_SERVICE,
    version,
    description: 'Sequent: the history of every invocation, from a read model of the log',
    metadata: { instance },
  });
  const group = service.addGroup(HISTORY_GROUP);
  for (const name of names) {
    const handler = (error: Error | null, message: ServiceMsg): void => {
      if (error === null) void answer(name, options, message).then((answered) => audit?.record(message, callOf(name, answered)));
    };
    const metadata = schemasOf(name);
    // A check or a rebuild is expensive, so the caller must choose the instance.
    if (name !== 'check' && name !== 'rebuild') group.addEndpoint(name, { handler, metadata });
    if (questionsOfProjects.includes(name)) group.addEndpoint(`project-${name}`, { subject: `project.*.${name}`, handler });
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

type Answered = { status: number; query: unknown };

type Answering = Pick<HistoryServiceOptions, 'answers' | 'reach' | 'project'>;

/** Never rejects, because an unhandled rejection would end the process. */
async function answer(name: Question, { answers, reach, project }: Answering, message: ServiceMsg): Promise<Answered> {
  let query: unknown;
  try {
    const asked: unknown = message.data.length === 0 ? {} : JSON.parse(message.string());
    const read = questions[name].query.safeParse(limitedTo(message.subject, asked, project));
    if (!read.success) return refuse(message, 400, problemsOf(read.error));
    query = read.data;
    const missing = await reach(Number(message.headers?.get(AT_LEAST) ?? 0));
    if (missing > 0) return refuse(message, 503, `the read model is ${missing} messages behind the log; ask again`, { query });
    // The schema of this question parsed the query, so the cast is safe.
    const found = await (answers[name] as (given: unknown) => unknown)(query);
    message.respond(JSON.stringify(found));
    return { status: 200, query };
  } catch (error) {
    return refuseBy(message, error, query);
  }
}

/** The question with the project of its subject, if that names one. Throws `InvalidInputError` when the question names another one. */
function limitedTo(subject: string, asked: unknown, own: string): unknown {
  const [, , project, question] = subject.split('.');
  // A subject of one instance has three tokens.
  if (project === undefined || question === undefined || typeof asked !== 'object') return asked;
  const limit = project === own ? '' : project;
  const { project: named = limit } = (asked ?? {}) as { project?: unknown };
  if (named === limit) return { ...asked, project: limit };
  throw new InvalidInputError({ field: 'the project', problem: `must be that of the subject, ${project}, or be left out` });
}

function refuseBy(message: ServiceMsg, error: unknown, query: unknown): Answered {
  if (error instanceof AmbiguousIdError) return refuse(message, 409, messageOf(error), { query, facts: { functions: error.functions } });
  if (error instanceof SyntaxError) return refuse(message, 400, 'the question is not JSON');
  if (error instanceof InvocationNotFoundError) return refuse(message, 404, messageOf(error), { query });
  return refuse(message, error instanceof InvalidInputError ? 400 : 500, messageOf(error), { query });
}

type Refused = { query?: unknown; facts?: object };

function refuse(message: ServiceMsg, status: number, why: string, { query, facts = {} }: Refused = {}): Answered {
  // The reason is sent in a header, and `nats` 2.x does not refuse line breaks in headers.
  message.respondError(status, why.replaceAll(/\s+/g, ' ').slice(0, 500), new TextEncoder().encode(JSON.stringify(facts)));
  return { status, query };
}

/** Questions that show a whole history or payloads, or that change a read model. The others are repeated by pages and by `--watch`. */
const recordedOneByOne: ReadonlySet<Question> = new Set(['get', 'timeline', 'tree', 'check', 'rebuild']);

function callOf(name: Question, { status, query }: Answered): ServiceCall {
  const { id, function: fn, project } = (query ?? {}) as { id?: string; function?: string; project?: string };
  const named = fn === undefined ? undefined : splitName(fn as FunctionName).project;
  return {
    action: `history.${name}`,
    status,
    subject: id ?? fn,
    project: named ?? (project === '' ? undefined : project),
    isCounted: !recordedOneByOne.has(name),
    isChange: name === 'check' || name === 'rebuild',
  };
}

/** Asks one given instance, or else any instance that answers. With a `project`, questions that can be limited to it are. */
export function createNatsHistory({ nats }: Connection, project?: string): History {
  return {
    async ask(question, query, { instance, timeoutInMs = 10_000, atLeast } = {}) {
      const subject = subjectOf(question, instance, project);
      const options = { timeout: timeoutInMs, ...(atLeast === undefined ? {} : { headers: headersOf(atLeast) }) };
      const reply = await nats.request(subject, JSON.stringify(query), options).catch((cause: unknown) => {
        throw new HistoryUnavailableError({ why: whyOf(cause, timeoutInMs), isAbsent: isNoResponders(cause) }, { cause });
      });
      const code = reply.headers?.get('Nats-Service-Error-Code') ?? '';
      if (code !== '') throw errorOf(code, reply, query);
      const parsed = questions[question].answer.safeParse(reply.json());
      if (!parsed.success) throw new HistoryUnavailableError({ why: `the answer cannot be read: ${problemsOf(parsed.error)}` });
      return parsed.data as AnswerOf<typeof question>;
    },
    async instances() {
      const first = { strategy: RequestStrategy.Timer, maxWait: 500 };
      const ping = (wait: RequestManyOptions) => nats.services.client(wait).ping(HISTORY_SERVICE);
      const answers = await collectAnswers(ping, { asked: 'the projection', first }).catch((cause: unknown) => {
        throw cause instanceof NoAnswerError ? cause : new HistoryUnavailableError({ why: messageOf(cause) }, { cause });
      });
      return answers.flatMap(({ metadata }) => (metadata?.instance === undefined ? [] : [metadata.instance])).sort();
    },
  };
}

function subjectOf(question: Question, instance: string | undefined, project: string | undefined): string {
  if (project !== undefined && questionsOfProjects.includes(question)) return subjects.historyOf(project, question);
  if (instance === undefined || /^[A-Za-z0-9_-]{1,64}$/.test(instance)) return subjects.history(question, instance);
  throw new InvalidInputError({ field: 'the instance', problem: 'must be letters, digits, "-" or "_"' });
}

function headersOf(atLeast: number): MsgHdrs {
  const found = headers();
  found.set(AT_LEAST, String(atLeast));
  return found;
}

function errorOf(code: string, reply: Msg, query: unknown): SequentError {
  const why = reply.headers?.get('Nats-Service-Error') ?? '';
  const { id = '' } = query as { id?: string };
  if (code === '409') return new AmbiguousIdError({ id, functions: candidatesSchema.parse(reply.json()).functions });
  if (code === '404') return new InvocationNotFoundError({ id });
  if (code === '400') return new InvalidInputError({ field: 'the question', problem: `is not valid: ${why}` });
  return new HistoryUnavailableError({ why, isBehind: code === '503', isAnswered: true });
}

function whyOf(cause: unknown, timeoutInMs: number): string {
  if (isNoResponders(cause)) return 'no projection runs';
  if (isTimeout(cause)) return `no answer within ${timeoutInMs} ms; ask again`;
  return messageOf(cause);
}
