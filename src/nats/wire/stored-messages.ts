import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, NatsUnavailableError } from '#src/core/errors.ts';
import type { HeaderReader } from '#src/core/log/requests/request-messages.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { type ApiError, isMessageNotFound, isNotPermitted } from '#src/nats/transport/errors.ts';
import { INVOCATIONS } from './topology.ts';
import { readHeaders } from './wire-headers.ts';

/** A message of the INVOCATIONS stream. `at` is in milliseconds since the epoch. */
export type StoredMessage = { subject: string; data: Uint8Array; headers: HeaderReader | undefined; sequence: number; at: number };

/** How long a read is repeated while the server does not answer. */
const BUDGET_IN_MS = 60_000;
const RETRY_IN_MS = 200;
const ANSWERED_WITHIN_MS = 5_000;

/** The request of the server's API for one message. */
type Query = { seq: number; next_by_subj?: string } | { last_by_subj: string };
/** The stream that is asked: the log, unless another one is named. */
type Where = { stream?: string | undefined; budgetInMs?: number | undefined };

/** Returns the message with a sequence, or `undefined`. Throws as {@link getMessage} does, like the other two reads. */
export function readMessage(connection: Connection, sequence: number, budgetInMs?: number): Promise<StoredMessage | undefined> {
  return getMessage(connection, { seq: sequence }, { budgetInMs });
}

/** Returns the first message on a subject at or after the sequence `from`; of another stream than the log with `stream`. */
export function readNextBySubject(
  connection: Connection,
  { from, subject, budgetInMs, stream }: { from: number; subject: string; budgetInMs?: number; stream?: string },
): Promise<StoredMessage | undefined> {
  return getMessage(connection, { seq: from, next_by_subj: subject }, { budgetInMs, stream });
}

/** Returns the messages on a subject at or after the sequence `from`, oldest first. */
export async function readAllBySubject(connection: Connection, query: Parameters<typeof readNextBySubject>[1]): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  for (let { from } = query; ; ) {
    const message = await readNextBySubject(connection, { ...query, from });
    if (message === undefined) return found;
    found.push(message);
    from = message.sequence + 1;
  }
}

/** Returns the newest message on a subject; of another stream than the log with `stream`. */
export function readLastBySubject(connection: Connection, subject: string, options: Where = {}): Promise<StoredMessage | undefined> {
  return getMessage(connection, { last_by_subj: subject }, options);
}

type Subjects = { total?: number; state?: { subjects?: Record<string, number> } };

/**
 * Returns the subjects that match a pattern and have a message. The leader answers.
 *
 * The server lists 100,000 of them in an answer. nats.js asks for more too, and merges the answers, for twice the processor time.
 */
export async function listSubjects(connection: Connection, pattern: string, where: Where = {}): Promise<string[]> {
  let found: string[] = [];
  for (;;) {
    const query = { subjects_filter: pattern, offset: found.length };
    const { state, total = 0 } = await ask<Subjects>(connection, 'STREAM.INFO', { query, ...where });
    const subjects = Object.keys(state?.subjects ?? {});
    const known = found.length;
    // A subject that is new since the answer before moves the others on.
    found = known === 0 ? subjects : [...new Set([...found, ...subjects])];
    if (found.length === known || found.length >= total) return found;
  }
}

type Answer = {
  message?: { subject: string; seq: number; hdrs?: string; data?: string; time: string };
};

/**
 * Reads a message from the leader. A direct get would be wrong here, because a replica that is behind may answer it.
 *
 * A read has no effect, so a request without an answer is repeated. Throws `NatsUnavailableError` when the budget is spent or this process
 * ends, and `NotPermittedError` at once.
 */
async function getMessage(connection: Connection, query: Query, where: Where): Promise<StoredMessage | undefined> {
  const { message } = await ask<Answer>(connection, 'STREAM.MSG.GET', { query, ...where });
  return message === undefined ? undefined : stored(message);
}

type StreamQuestion = { query: object } & Where;
type Failed = { error?: ApiError };

/** Asks the server's API about the stream until it answers. An answer without the message has no error. */
async function ask<Reply extends object>(
  connection: Connection,
  api: string,
  { query, stream = INVOCATIONS, budgetInMs = BUDGET_IN_MS }: StreamQuestion,
): Promise<Partial<Reply>> {
  const { nats, servers } = connection;
  const endsAt = performance.now() + budgetInMs;
  for (let timeout = ANSWERED_WITHIN_MS; ; timeout = Math.min(ANSWERED_WITHIN_MS, endsAt - performance.now())) {
    try {
      return await askOnce<Reply>(connection, `${api}.${stream}`, { query, timeout: Math.max(1, timeout) });
    } catch (cause) {
      if (isNotPermitted(cause)) throw connection.refusals.explain(cause);
      if (performance.now() > endsAt || connection.isEnding || nats.isClosed()) {
        throw new NatsUnavailableError({ servers, why: `${messageOf(cause)}: repeat the call when the server answers` }, { cause });
      }
      await delay(RETRY_IN_MS);
    }
  }
}

async function askOnce<Reply extends object>(
  { nats, jetstream, isConnected }: Connection,
  api: string,
  { query, timeout }: { query: object; timeout: number },
): Promise<Partial<Reply>> {
  // Without a connection the client may drop the request, which would then time out.
  if (!isConnected) throw new Error('not connected');
  const reply = await nats.request(`${jetstream.apiPrefix}.${api}`, JSON.stringify(query), { timeout });
  const { error, ...answer } = reply.json<Reply & Failed>();
  if (error === undefined) return answer as unknown as Partial<Reply>;
  if (isMessageNotFound(error.err_code)) return {};
  throw new Error(error.description);
}

function stored({ subject, seq, hdrs, data = '', time }: NonNullable<Answer['message']>): StoredMessage {
  return {
    subject,
    sequence: seq,
    at: Date.parse(time),
    data: Buffer.from(data, 'base64'),
    headers: hdrs === undefined ? undefined : readHeaders(Buffer.from(hdrs, 'base64')),
  };
}
