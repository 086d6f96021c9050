import type { SequentClient } from '#src/client/client.ts';
import { InvocationNotFoundError } from '#src/core/errors.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { requestHeader } from '#src/core/log/requests/request-messages.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseRequestId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { readAllBySubject, readMessage } from '#src/nats/wire/stored-messages.ts';
import { parseSubject } from '#src/nats/wire/topology.ts';
import { foldGolden, type GoldenHistory } from './golden-history.ts';

/**
 * Reads the stream of an invocation from the log. `functionName` is needed when several functions have an invocation of this id.
 *
 * Throws `InvocationNotFoundError` when the log holds no such invocation, or no longer its messages.
 */
export async function readGolden(client: SequentClient, id: string, functionName?: string): Promise<GoldenHistory & { function: string }> {
  const { connection } = client;
  const named = functionName === undefined ? {} : { function: functionName };
  const { function: owner, transitions } = await client.timeline(id, named);
  const name = { function: owner as FunctionName, stream: streamOf(parseRequestId(id)) };
  const message = await readMessage(connection, transitions[0]?.sequence ?? 0);
  const parts = message === undefined ? undefined : parseSubject(message.subject);
  if (message === undefined || parts === undefined || !('token' in parts)) throw new InvocationNotFoundError({ id });
  const headers = Object.values(requestHeader).map((key) => [key, message.headers?.get(key) ?? '']);
  const request = {
    sequence: message.sequence,
    at: message.at,
    token: parts.token,
    headers: Object.fromEntries(headers.filter(([, value]) => value !== '')) as Record<string, string>,
    payload: Buffer.from(message.data).toString(),
  };
  const stored = await readAllBySubject(connection, { from: NO_APPENDS + 1, subject: subjects.invocation(name) });
  const appends = stored.map(({ sequence, data }) => ({ sequence, append: JSON.parse(Buffer.from(data).toString()) as unknown }));
  const { states } = foldGolden({ request, appends });
  return { function: owner, request, appends, states: states as GoldenHistory['states'] };
}
