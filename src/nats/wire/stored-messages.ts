import { messageOf, NatsUnavailableError } from '#src/core/errors.ts';
import type { HeaderReader } from '#src/core/log/request-messages.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { type ApiError, isMessageNotFound, isNotPermitted } from '#src/nats/transport/errors.ts';
import { INVOCATIONS } from './topology.ts';
import { readHeaders } from './wire-headers.ts';

/** One message as the INVOCATIONS stream holds it. `at` is in milliseconds since the epoch. */
export type StoredMessage = { subject: string; data: Uint8Array; headers: HeaderReader | undefined; sequence: number; at: number };

/** How long reading is tried again while the server does not answer. */
const BUDGET_IN_MS = 60_000;

/** One message of the stream, as the server's API asks for it. */
type Query = { seq: number; next_by_subj?: string } | { last_by_subj: string };

export function readMessage(connection: Connection, sequence: number, budgetInMs?: number): Promise<StoredMessage | undefined> {
  return getMessage(connection, { seq: sequence }, budgetInMs);
}

export function readNextBySubject(
  connection: Connection,
  { from, subject, budgetInMs }: { from: number; subject: string; budgetInMs?: number },
): Promise<StoredMessage | undefined> {
  return getMessage(connection, { seq: from, next_by_subj: subject }, budgetInMs);
}

export function readLastBySubject(connection: Connection, subject: string, budgetInMs?: number): Promise<StoredMessage | undefined> {
  return getMessage(connection, { last_by_subj: subject }, budgetInMs);
}

type Answer = {
  message?: { subject: string; seq: number; hdrs?: string; data?: string; time: string };
  error?: ApiError;
};

/**
 * Asks the leader (a direct get may be answered by a replica that is behind).
 *
 * Reading has no effect, so a question without answer is asked again; throws `NatsUnavailableError` after the budget, and
 * `NotPermittedError` at once.
 */
async function getMessage(connection: Connection, query: Query, budgetInMs = BUDGET_IN_MS): Promise<StoredMessage | undefined> {
  const { nats, servers } = connection;
  const startedAt = Date.now();
  for (;;) {
    try {
      return await askOnce(connection, query);
    } catch (cause) {
      if (isNotPermitted(cause)) throw connection.refusals.explain(cause);
      if (Date.now() - startedAt > budgetInMs || nats.isClosed()) {
        throw new NatsUnavailableError({ servers, why: messageOf(cause) }, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

async function askOnce({ nats, isConnected }: Connection, query: Query): Promise<StoredMessage | undefined> {
  // A question asked now would be forgotten, and time out.
  if (!isConnected) throw new Error('not connected');
  const reply = await nats.request(`$JS.API.STREAM.MSG.GET.${INVOCATIONS}`, JSON.stringify(query), { timeout: 5_000 });
  const { message, error } = reply.json<Answer>();
  if (message !== undefined) return stored(message);
  if (isMessageNotFound(error?.err_code)) return undefined;
  throw new Error(error?.description ?? 'an empty answer');
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
